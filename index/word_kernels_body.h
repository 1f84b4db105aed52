// The bodies of word_kernels.h, included once by each file that is compiled for an instruction set.
//
//   #define THRONG_KERNELS_NAME "avx2"
//   #include "index/word_kernels_body.h"   // defines kKernels in an unnamed namespace
//
// Only builtins and intrinsics are used: an inline function of a library that was compiled here
// could be the one that the linker keeps for everybody, and not run on every machine.
#ifndef THRONG_INDEX_WORD_KERNELS_BODY_H_
#define THRONG_INDEX_WORD_KERNELS_BODY_H_

#include "index/kernel_codes.h"
#include "index/kernel_collect.h"
#include "index/kernel_limits.h"
#include "index/kernel_masks.h"
#include "index/kernel_offsets.h"
#include "index/kernel_sums.h"
#include "index/kernel_words.h"
#include "index/word_kernels.h"

namespace throng::index {
namespace {

constexpr WordKernels kKernels = {
    .name = THRONG_KERNELS_NAME,
    .conjoin = Conjoin,
    .unite = Unite,
    .unite_terms = UniteTerms,
    .count = Count,
    .extract = Extract,
    .count_in = CountIn,
    .keep_in = KeepIn,
    .keep_among = KeepAmong,
    .scan1 = Scan1,
    .scan2 = Scan2,
    .scan4 = Scan4,
    .scan8 = Scan8,
    .pick1 = Pick1,
    .pick2 = Pick2,
    .pick_cost = kPickCost,
    .collect1 = Collect<uint8_t>,
    .collect2 = Collect<uint16_t>,
    .collect4 = Collect<uint32_t>,
    .collect8 = Collect<uint64_t>,
    .count_from1 = CountFrom<uint8_t>,
    .count_from2 = CountFrom<uint16_t>,
    .count_from4 = CountFrom<uint32_t>,
    .count_from8 = CountFrom<uint64_t>,
    .sum_members1 = SumMembers<uint8_t>,
    .sum_members2 = SumMembers<uint16_t>,
    .sum_members4 = SumMembers<uint32_t>,
    .sum_members8 = SumMembers<uint64_t>,
    .find_repeated = FindRepeated,
    .gather_masks = GatherMasks,
};

}  // namespace
}  // namespace throng::index

#endif  // THRONG_INDEX_WORD_KERNELS_BODY_H_
