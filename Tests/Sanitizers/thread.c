// Tells ThreadSanitizer of the locks it can't see.
//
// The quick ways into and out of a Synchronization.Mutex are inlined and so instrumented with whoever uses it; the slow ones, for
// a mutex that others want too, are in Swift's library, which is not. Without this every contended lock looks like none, and
// what it guards like a race. These stand before the library's functions in a build with ThreadSanitizer in it, and nowhere else.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))

#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

void __tsan_acquire(void *address);
void __tsan_release(void *address);

typedef SWIFT void Lock(uint32_t thread, SELF void *mutex);
typedef SWIFT void Unlock(SELF void *mutex);

SWIFT void lock_slow(uint32_t thread, SELF void *mutex) __asm__(LOCK_SLOW);
SWIFT void unlock_slow(SELF void *mutex) __asm__(UNLOCK_SLOW);

SWIFT void lock_slow(uint32_t thread, SELF void *mutex) {
    Lock *real = (Lock *)dlsym(RTLD_NEXT, LOCK_SLOW);
    real(thread, mutex);
    __tsan_acquire(mutex);
}

SWIFT void unlock_slow(SELF void *mutex) {
    Unlock *real = (Unlock *)dlsym(RTLD_NEXT, UNLOCK_SLOW);
    __tsan_release(mutex);
    real(mutex);
}
