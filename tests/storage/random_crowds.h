// Random commits about crowds that fit onto a snapshot: new ones, renamed ones, versions, pins,
// versions and crowds that go.
//
//   CrowdCommit commit = RandomCrowdCommit(snapshot, random);
//   for (const auto& [id, users] : commit.sets) store.WriteCrowdVersion(population, id, &*users);
//   store.Append(population, commit.record);
#ifndef THRONG_TESTS_STORAGE_RANDOM_CROWDS_H_
#define THRONG_TESTS_STORAGE_RANDOM_CROWDS_H_

#include <map>
#include <random>

#include "index/change.h"
#include "index/crowd_sets.h"
#include "index/snapshot.h"

namespace throng::storage {

struct CrowdCommit {
  index::CommitRecord record;
  std::map<index::CrowdVersionId, index::OrdinalSetRef> sets;  // to be written before
};

// Thread-safe.
CrowdCommit RandomCrowdCommit(const index::Snapshot& snapshot, std::mt19937_64& random);

}  // namespace throng::storage

#endif  // THRONG_TESTS_STORAGE_RANDOM_CROWDS_H_
