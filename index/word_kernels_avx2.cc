// Compiled for this instruction set only (index/CMakeLists.txt); called where the machine has it.
#define THRONG_KERNELS_NAME "avx2"
#include "index/word_kernels_body.h"

namespace throng::index {

extern const WordKernels kAvx2Kernels;
const WordKernels kAvx2Kernels = kKernels;

}  // namespace throng::index
