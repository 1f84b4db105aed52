// Compiled for this instruction set only (index/CMakeLists.txt); called where the machine has it.
#define THRONG_KERNELS_NAME "avx512"
#include "index/word_kernels_body.h"

namespace throng::index {

extern const WordKernels kAvx512Kernels;
const WordKernels kAvx512Kernels = kKernels;

}  // namespace throng::index
