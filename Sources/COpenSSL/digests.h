#pragma once
// The digests of OpenSSL's low-level interface: plain structures without allocation or look-up, which is what makes an HMAC
// of a short message cost a few compressions and no more. OpenSSL 3 deprecates them in favour of EVP.
#include <openssl/md5.h>
#include <openssl/sha.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static inline void postern_sha256_init(SHA256_CTX *context) { SHA256_Init(context); }
static inline void postern_sha256_update(SHA256_CTX *context, const void *bytes, size_t count) {
    SHA256_Update(context, bytes, count);
}
static inline void postern_sha256_final(SHA256_CTX *context, unsigned char *digest) { SHA256_Final(digest, context); }

static inline void postern_sha384_init(SHA512_CTX *context) { SHA384_Init(context); }
static inline void postern_sha384_update(SHA512_CTX *context, const void *bytes, size_t count) {
    SHA384_Update(context, bytes, count);
}
static inline void postern_sha384_final(SHA512_CTX *context, unsigned char *digest) { SHA384_Final(digest, context); }

static inline void postern_sha1_init(SHA_CTX *context) { SHA1_Init(context); }
static inline void postern_sha1_update(SHA_CTX *context, const void *bytes, size_t count) {
    SHA1_Update(context, bytes, count);
}
static inline void postern_sha1_final(SHA_CTX *context, unsigned char *digest) { SHA1_Final(digest, context); }

static inline void postern_md5_init(MD5_CTX *context) { MD5_Init(context); }
static inline void postern_md5_update(MD5_CTX *context, const void *bytes, size_t count) {
    MD5_Update(context, bytes, count);
}
static inline void postern_md5_final(MD5_CTX *context, unsigned char *digest) { MD5_Final(digest, context); }

#pragma GCC diagnostic pop
