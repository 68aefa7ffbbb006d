// What Swift cannot import of libssl and libcrypto by itself: function-like macros, type-checked stacks, and
// constants that are cast expressions. One line each, no policy: what is allowed is decided in the TLS target.
#pragma once

#include <openssl/ssl.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <openssl/pem.h>
#include <openssl/kdf.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <stdint.h>

// Contexts and sessions.

static inline int copenssl_ctx_set_versions(SSL_CTX *context, int minimum, int maximum) {
    return SSL_CTX_set_min_proto_version(context, minimum) == 1 && SSL_CTX_set_max_proto_version(context, maximum) == 1;
}

static inline uint64_t copenssl_op_no_ticket(void) { return SSL_OP_NO_TICKET; }
static inline uint64_t copenssl_op_no_compression(void) { return SSL_OP_NO_COMPRESSION; }
static inline uint64_t copenssl_op_no_renegotiation(void) { return SSL_OP_NO_RENEGOTIATION; }
static inline uint64_t copenssl_op_cipher_server_preference(void) { return SSL_OP_CIPHER_SERVER_PREFERENCE; }

static inline void copenssl_ctx_session_cache_off(SSL_CTX *context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

static inline void copenssl_ctx_set_mode(SSL_CTX *context, long mode) { SSL_CTX_set_mode(context, mode); }
static inline long copenssl_mode_partial_write(void) { return SSL_MODE_ENABLE_PARTIAL_WRITE; }
static inline long copenssl_mode_moving_write_buffer(void) { return SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER; }
static inline long copenssl_mode_release_buffers(void) { return SSL_MODE_RELEASE_BUFFERS; }
static inline long copenssl_mode_no_auto_chain(void) { return SSL_MODE_NO_AUTO_CHAIN; }

static inline void copenssl_ctx_set_max_cert_list(SSL_CTX *context, long bytes) {
    SSL_CTX_set_max_cert_list(context, bytes);
}

static inline int copenssl_ctx_set_groups(SSL_CTX *context, const char *list) {
    return (int)SSL_CTX_set1_groups_list(context, list);
}

static inline int copenssl_ctx_add_chain_certificate(SSL_CTX *context, X509 *certificate) {
    return (int)SSL_CTX_add1_chain_cert(context, certificate);
}

static inline int copenssl_set_server_name(SSL *session, const char *name) {
    return (int)SSL_set_tlsext_host_name(session, name);
}

static inline int copenssl_has_extended_master_secret(SSL *session) { return (int)SSL_get_extms_support(session); }

// Buffers and memory.

static inline size_t copenssl_bio_contents(BIO *bio, const uint8_t **bytes) {
    char *data = NULL;
    long count = BIO_get_mem_data(bio, &data);
    *bytes = (const uint8_t *)data;
    return count > 0 ? (size_t)count : 0;
}

static inline void copenssl_free(void *memory) { OPENSSL_free(memory); }

// Stacks.

static inline int copenssl_certificates_count(const STACK_OF(X509) *list) { return list ? sk_X509_num(list) : 0; }

static inline X509 *copenssl_certificate_at(const STACK_OF(X509) *list, int index) {
    return sk_X509_value(list, index);
}

static inline int copenssl_names_count(const GENERAL_NAMES *names) { return names ? sk_GENERAL_NAME_num(names) : 0; }

static inline const GENERAL_NAME *copenssl_name_at(const GENERAL_NAMES *names, int index) {
    return sk_GENERAL_NAME_value(names, index);
}

static inline int copenssl_objects_count(const EXTENDED_KEY_USAGE *list) {
    return list ? sk_ASN1_OBJECT_num(list) : 0;
}

static inline const ASN1_OBJECT *copenssl_object_at(const EXTENDED_KEY_USAGE *list, int index) {
    return sk_ASN1_OBJECT_value(list, index);
}

// Longer ones, in COpenSSL.c.

/// The kind (GEN_DNS, GEN_URI, ...) of a subjectAltName entry; its bytes, or none for kinds that are not plain bytes.
int copenssl_name_bytes(const GENERAL_NAME *name, const uint8_t **bytes, size_t *count);

/// 1 and unix seconds, or 0 if `time` is absent or malformed.
int copenssl_unix_time(const ASN1_TIME *time, int64_t *seconds);

/// A private key from PEM. Never asks at the terminal; `*encrypted` becomes 1 if a passphrase would be needed.
EVP_PKEY *copenssl_read_private_key(BIO *pem, int *encrypted);

/// A fresh key on P-256.
EVP_PKEY *copenssl_generate_p256(void);

/// The name in RFC 2253 form, everything but printable ASCII escaped, into a memory BIO.
int copenssl_print_name(BIO *out, const X509_NAME *name);

/// Sets a time field from unix seconds, as UTCTime or GeneralizedTime as RFC 5280 4.1.2.5 asks.
ASN1_TIME *copenssl_set_time(ASN1_TIME *time, int64_t seconds);
