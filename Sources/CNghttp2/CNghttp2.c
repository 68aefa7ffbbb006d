// The border to libnghttp2: its header as a module for Swift. There is no code of ours; a C target needs one file.

#include "CNghttp2.h"
