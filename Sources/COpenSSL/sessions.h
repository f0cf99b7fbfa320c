#pragma once
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

// Swift imports neither function-like macros nor constants that are made by one: each gets a name here.

static const uint64_t COPENSSL_OP_IGNORE_UNEXPECTED_EOF = SSL_OP_IGNORE_UNEXPECTED_EOF;
static const uint64_t COPENSSL_OP_NO_RENEGOTIATION = SSL_OP_NO_RENEGOTIATION;
static const uint64_t COPENSSL_OP_NO_COMPRESSION = SSL_OP_NO_COMPRESSION;
static const uint64_t COPENSSL_OP_NO_TICKET = SSL_OP_NO_TICKET;
static const uint64_t COPENSSL_OP_NO_ANTI_REPLAY = SSL_OP_NO_ANTI_REPLAY;
static const uint64_t COPENSSL_OP_CIPHER_SERVER_PREFERENCE = SSL_OP_CIPHER_SERVER_PREFERENCE;
static const uint64_t COPENSSL_OP_PRIORITIZE_CHACHA = SSL_OP_PRIORITIZE_CHACHA;
static const uint64_t COPENSSL_OP_NO_TLSv1 = SSL_OP_NO_TLSv1;
static const uint64_t COPENSSL_OP_NO_TLSv1_1 = SSL_OP_NO_TLSv1_1;
static const uint64_t COPENSSL_OP_NO_TLSv1_2 = SSL_OP_NO_TLSv1_2;
static const uint64_t COPENSSL_OP_NO_TLSv1_3 = SSL_OP_NO_TLSv1_3;

/// RFC 2253, UTF-8 left as it is.
static const unsigned long COPENSSL_NAME_RFC2253 = XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB;
/// RFC 2253, ASCII throughout.
static const unsigned long COPENSSL_NAME_ASCII = XN_FLAG_RFC2253;

static inline long COpenSSL_CTX_set_mode(SSL_CTX *c, long m) { return SSL_CTX_set_mode(c, m); }
static inline long COpenSSL_CTX_set_read_ahead(SSL_CTX *c, int on) { return SSL_CTX_set_read_ahead(c, on); }
static inline int COpenSSL_CTX_set_min_proto_version(SSL_CTX *c, int v) {
    return (int)SSL_CTX_set_min_proto_version(c, v);
}
static inline int COpenSSL_CTX_set_max_proto_version(SSL_CTX *c, int v) {
    return (int)SSL_CTX_set_max_proto_version(c, v);
}
static inline int COpenSSL_CTX_get_min_proto_version(SSL_CTX *c) { return (int)SSL_CTX_get_min_proto_version(c); }
static inline int COpenSSL_CTX_get_max_proto_version(SSL_CTX *c) { return (int)SSL_CTX_get_max_proto_version(c); }
static inline int COpenSSL_set_min_proto_version(SSL *s, int v) { return (int)SSL_set_min_proto_version(s, v); }
static inline int COpenSSL_set_max_proto_version(SSL *s, int v) { return (int)SSL_set_max_proto_version(s, v); }
static inline int COpenSSL_CTX_set1_groups_list(SSL_CTX *c, const char *list) {
    return (int)SSL_CTX_set1_groups_list(c, (char *)list);
}
static inline int COpenSSL_set1_groups_list(SSL *s, const char *list) {
    return (int)SSL_set1_groups_list(s, (char *)list);
}
static inline long COpenSSL_CTX_set_session_cache_mode(SSL_CTX *c, long m) {
    return SSL_CTX_set_session_cache_mode(c, m);
}
static inline long COpenSSL_CTX_sess_set_cache_size(SSL_CTX *c, long n) { return SSL_CTX_sess_set_cache_size(c, n); }
static inline int COpenSSL_set_tlsext_host_name(SSL *s, const char *name) {
    return (int)SSL_set_tlsext_host_name(s, (char *)name);
}
static inline long COpenSSL_CTX_set_tlsext_status_cb(SSL_CTX *c, int (*callback)(SSL *, void *)) {
    return SSL_CTX_set_tlsext_status_cb(c, callback);
}
static inline long COpenSSL_CTX_set_tlsext_status_arg(SSL_CTX *c, void *argument) {
    return SSL_CTX_set_tlsext_status_arg(c, argument);
}
static inline long COpenSSL_set_tlsext_status_ocsp_resp(SSL *s, unsigned char *bytes, long count) {
    return SSL_set_tlsext_status_ocsp_resp(s, bytes, count);
}
static inline void COpenSSL_free(void *memory) { OPENSSL_free(memory); }
static inline void *COpenSSL_memdup(const void *memory, size_t count) { return OPENSSL_memdup(memory, count); }
static inline EVP_PKEY *COpenSSL_P256_generate(void) { return EVP_EC_gen("P-256"); }
static inline EVP_PKEY *COpenSSL_RSA_generate(size_t bits) { return EVP_RSA_gen(bits); }

static inline void COpenSSL_BIO_set_retry_read(BIO *b) { BIO_set_retry_read(b); }
static inline void COpenSSL_BIO_set_retry_write(BIO *b) { BIO_set_retry_write(b); }
static inline void COpenSSL_BIO_clear_retry(BIO *b) { BIO_clear_retry_flags(b); }

/// Keys `mac` (an HMAC) for SHA-256.
static inline int COpenSSL_MAC_set_sha256_key(EVP_MAC_CTX *mac, const unsigned char *key, size_t count) {
    OSSL_PARAM parameters[3] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key, count),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, parameters);
}
