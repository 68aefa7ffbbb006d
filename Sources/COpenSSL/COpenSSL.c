// What Swift cannot say to libssl itself: macros, callbacks with C pointers, whole-buffer helpers. No policy is here.

#include "COpenSSL.h"

#include <string.h>
#include <time.h>

int copenssl_name_bytes(const GENERAL_NAME *name, const uint8_t **bytes, size_t *count) {
    *bytes = NULL;
    *count = 0;
    if (name == NULL) {
        return -1;
    }
    const ASN1_STRING *text = NULL;
    switch (name->type) {
    case GEN_EMAIL:
    case GEN_DNS:
    case GEN_URI:
        text = name->d.ia5;
        break;
    case GEN_IPADD:
        text = name->d.iPAddress;
        break;
    default:
        break;
    }
    if (text != NULL && ASN1_STRING_length(text) > 0) {
        *bytes = ASN1_STRING_get0_data(text);
        *count = (size_t)ASN1_STRING_length(text);
    }
    return name->type;
}

int copenssl_unix_time(const ASN1_TIME *time, int64_t *seconds) {
    struct tm fields;
    memset(&fields, 0, sizeof fields);
    // A null argument would mean "now" to ASN1_TIME_to_tm.
    if (time == NULL || ASN1_TIME_to_tm(time, &fields) != 1) {
        return 0;
    }
    int days = 0;
    int rest = 0;
    struct tm epoch;
    memset(&epoch, 0, sizeof epoch);
    epoch.tm_year = 70;
    epoch.tm_mday = 1;
    if (OPENSSL_gmtime_diff(&days, &rest, &epoch, &fields) != 1) {
        return 0;
    }
    *seconds = (int64_t)days * 86400 + rest;
    return 1;
}

static int refuse_passphrase(char *buffer, int size, int writing, void *asked) {
    (void)buffer;
    (void)size;
    (void)writing;
    *(int *)asked = 1;
    return -1;
}

EVP_PKEY *copenssl_read_private_key(BIO *pem, int *encrypted) {
    *encrypted = 0;
    return PEM_read_bio_PrivateKey(pem, NULL, refuse_passphrase, encrypted);
}

EVP_PKEY *copenssl_generate_p256(void) { return EVP_EC_gen("P-256"); }

int copenssl_print_name(BIO *out, const X509_NAME *name) {
    return X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253) >= 0;
}

ASN1_TIME *copenssl_set_time(ASN1_TIME *time, int64_t seconds) { return ASN1_TIME_set(time, (time_t)seconds); }
