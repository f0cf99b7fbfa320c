// Counts a process's heap allocations: preloaded before glibc's allocator, which it hands every call on to. The first
// thread's are left out: it serves no request, but looks after certificates and workers on a timer.
//
// The counts are in the file that POSTERN_ALLOCATIONS names, mapped and shared with allocations.py. While `tracing` is
// set there, the first calls leave their stacks too.
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { STACKS = 4096, DEPTH = 24, SKIPPED = 2 };

struct shared {
    _Atomic long calls, bytes, tracing, stacks, first_calls;
    void *frames[STACKS][DEPTH];
};

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static struct shared *shared;
static _Thread_local int inside, is_first;

static void count(size_t size) {
    if (!shared) return;
    if (is_first) {
        shared->first_calls++;
        return;
    }
    atomic_fetch_add_explicit(&shared->calls, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&shared->bytes, (long)size, memory_order_relaxed);
    if (!shared->tracing || inside) return;
    inside = 1;
    long index = atomic_fetch_add(&shared->stacks, 1);
    void *frames[DEPTH + SKIPPED];
    if (index < STACKS) {
        int depth = backtrace(frames, DEPTH + SKIPPED);
        for (int frame = SKIPPED; frame < depth; frame++) shared->frames[index][frame - SKIPPED] = frames[frame];
    }
    inside = 0;
}

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("POSTERN_ALLOCATIONS");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *frames[4];
    if (file < 0) return;
    backtrace(frames, 4);  // The first call loads the unwinder, which allocates.
    void *mapped = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (mapped != MAP_FAILED) shared = mapped;
    is_first = 1;
}

void *malloc(size_t size) {
    count(size);
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    count(number * size);
    return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size) {
    count(size);
    return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
    count(size);
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    return memalign(alignment, size);
}

int posix_memalign(void **into, size_t alignment, size_t size) {
    void *found = memalign(alignment, size);
    if (!found) return ENOMEM;
    *into = found;
    return 0;
}
