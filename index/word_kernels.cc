#define THRONG_KERNELS_NAME "portable"
#include "index/word_kernels_body.h"

namespace throng::index {

#if defined(THRONG_X86_KERNELS)
extern const WordKernels kAvx2Kernels;
extern const WordKernels kAvx512Kernels;
#endif

namespace {

// The sets that this machine runs, in ascending order of speed.
struct Sets {
  const WordKernels* all[3] = {&kKernels};
  uint32_t size = 1;

  Sets() {
#if defined(THRONG_X86_KERNELS)
    __builtin_cpu_init();
    // All that index/CMakeLists.txt lets the compiler use.
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") ||
        !__builtin_cpu_supports("bmi2") || !__builtin_cpu_supports("popcnt")) {
      return;
    }
    all[size++] = &kAvx2Kernels;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512vpopcntdq") ||
        !__builtin_cpu_supports("avx512vbmi2")) {
      return;
    }
    all[size++] = &kAvx512Kernels;
#endif
  }
};

const Sets& AllSets() {
  static const Sets sets;
  return sets;
}

}  // namespace

const WordKernels& Kernels() {
  static const WordKernels& best = *AllSets().all[AllSets().size - 1];
  return best;
}

std::span<const WordKernels* const> AllKernels() { return {AllSets().all, AllSets().size}; }

}  // namespace throng::index
