/* What differs between compilers and CPUs. */
#ifndef AMPER_COMPILER_H
#define AMPER_COMPILER_H

/* GCC on Linux compiles the functions so marked twice and chooses when the module is loaded. Which one runs changes no
 * result: -ffp-contract=off keeps the floating-point operations the same. The thread sanitizer cannot: what chooses
 * would call it before it is loaded. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__GLIBC__) && \
    !defined(__SANITIZE_THREAD__)
#define FOR_EACH_CPU __attribute__((target_clones("avx2", "default")))
#else
#define FOR_EACH_CPU
#endif

#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define INLINE static inline
#define PREFETCH(address) ((void)0)
#endif

#define CACHE_LINE 64

#endif
