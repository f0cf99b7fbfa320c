// Keeps OpenSSL from cleaning up when the process ends, in a build with AddressSanitizer in it and nowhere else.
//
// The clean-up comes before the look for leaks, and forgets what threads that still run hold of OpenSSL's (their queues of
// errors, their generators of random numbers): all that would look lost. A program without OpenSSL has nothing to keep.
#include <openssl/crypto.h>
#include <stddef.h>

#pragma weak OPENSSL_init_crypto

__attribute__((constructor)) static void begin(void) {
    if (OPENSSL_init_crypto != NULL) OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}
