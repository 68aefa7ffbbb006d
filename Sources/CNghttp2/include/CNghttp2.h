/* libnghttp2, as it is: everything the HTTP target needs of it is a function or an enumerator, so no shim is wanted. */
#pragma once
#include <nghttp2/nghttp2.h>
