// Compiles a function for several instruction sets and picks one when the program is loaded, so
// that one portable binary uses what the machine has.
//
//   THRONG_MULTIVERSION void AddSet1(const uint8_t* data, const ChunkSet& users, ...) { ... }
//
// Off where it cannot work: under sanitizers (the choice runs before their runtime is up) and with
// compilers other than GCC on x86-64.
#ifndef THRONG_INDEX_MULTIVERSION_H_
#define THRONG_INDEX_MULTIVERSION_H_

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(THRONG_SANITIZED)
#define THRONG_MULTIVERSION \
  __attribute__((target_clones("arch=icelake-server", "arch=x86-64-v3", "default")))
#else
#define THRONG_MULTIVERSION
#endif

#endif  // THRONG_INDEX_MULTIVERSION_H_
