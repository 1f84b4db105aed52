// Random commits that fit onto a snapshot, with every type of tag and every kind of change.
//
//   std::mt19937_64 random(testing::TestSeed());
//   index::CommitRecord record = RandomCommit(snapshot, random);
#ifndef THRONG_TESTS_STORAGE_RANDOM_COMMITS_H_
#define THRONG_TESTS_STORAGE_RANDOM_COMMITS_H_

#include <cstdint>
#include <random>

#include "index/change.h"
#include "index/snapshot.h"

namespace throng::storage {

struct CommitSizes {
  uint32_t users_max = 300;    // new ones
  uint32_t changes_max = 200;  // of one tag
};

// A commit of the next version: new users, tags, values, definitions, changes and requests, any of
// them perhaps. Thread-safe.
index::CommitRecord RandomCommit(const index::Snapshot& snapshot, std::mt19937_64& random,
                                 const CommitSizes& sizes = {});

// A change of a tag for ordinals below `ordinal_end` that the snapshot does not know as erased,
// with codes below `codes`.
index::TagChange RandomChange(const index::Snapshot& snapshot,
                              const index::TagDefinition& definition, uint32_t codes,
                              uint32_t ordinal_end, uint32_t changes_max, std::mt19937_64& random);

}  // namespace throng::storage

#endif  // THRONG_TESTS_STORAGE_RANDOM_COMMITS_H_
