// Set algebra on any number of chunks in one pass over their words.
//
//   ChunkSet users = IntersectAll({city, gender, views}, /*minus=*/{graduate}, scratch);
//   uint32_t n = UniteAllCardinality(labels, scratch);   // nothing is materialised where it can be
//
// Views, forms and threads as in chunk_ops.h. `out` must not be the scratch that an operand points
// into; a cardinality may use it for work.
#ifndef THRONG_INDEX_CHUNK_ALGEBRA_H_
#define THRONG_INDEX_CHUNK_ALGEBRA_H_

#include <cstdint>
#include <span>

#include "index/chunk_set.h"

namespace throng::index {

// Members of all of `in` and of none of `minus`. REQUIRES: `in` is not empty. If it is one set,
// that may lie in `out`.
ChunkSet IntersectAll(std::span<const ChunkSet> in, std::span<const ChunkSet> minus,
                      ChunkScratch& out);
uint32_t IntersectAllCardinality(std::span<const ChunkSet> in, std::span<const ChunkSet> minus,
                                 ChunkScratch& out);

// Members of any of `sets`.
ChunkSet UniteAll(std::span<const ChunkSet> sets, ChunkScratch& out);
uint32_t UniteAllCardinality(std::span<const ChunkSet> sets, ChunkScratch& out);

// Users in all of `in` and in none of `minus`. A view: of the sets and of what they point into.
struct ChunkTerm {
  std::span<const ChunkSet> in;
  std::span<const ChunkSet> minus;
};

// Whether UniteTerms() takes the term: it has an `in`, and all its sets are bitsets.
bool IsWords(const ChunkTerm& term);

// Members of any of `terms`, and of any of `others`, that are also those of `common`: and(or(and(a,
// b), andnot(c, d), e), f) without making the parts. REQUIRES: IsWords() of each term and of
// `common`; `common` may be without sets. `work` is another scratch than `out`.
ChunkSet UniteTerms(std::span<const ChunkTerm> terms, std::span<const ChunkSet> others,
                    const ChunkTerm& common, ChunkScratch& work, ChunkScratch& out);
uint32_t UniteTermsCardinality(std::span<const ChunkTerm> terms, std::span<const ChunkSet> others,
                               const ChunkTerm& common, ChunkScratch& work, ChunkScratch& out);

}  // namespace throng::index

#endif  // THRONG_INDEX_CHUNK_ALGEBRA_H_
