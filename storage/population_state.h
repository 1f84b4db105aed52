// What an open store remembers of each population: how far log and base are, and what was written
// and waits for the record that makes it count.
//
//   PopulationState& state = states_[population];
//   state.last_version;   // of the last record that was acknowledged
//
// Of storage/rocks_store.h, which guards it. Types are values; thread-compatible.
#ifndef THRONG_STORAGE_POPULATION_STATE_H_
#define THRONG_STORAGE_POPULATION_STATE_H_

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "index/crowd.h"
#include "storage/store.h"

namespace throng::storage {

using TagGeneration = std::pair<uint32_t, uint32_t>;  // tag, generation of its content

// What the store remembers of a population while it is open.
struct PopulationState {
  Population population;
  bool is_loaded = false;
  uint64_t folded_version = 0;
  uint64_t last_version = 0;                      // of the last record that was acknowledged
  std::deque<std::pair<uint64_t, uint64_t>> log;  // version and bytes of records not yet folded
  uint64_t log_bytes = 0;
  std::map<uint32_t, uint32_t> generations;  // of each tag's content
  // Written by WriteGeneration, waiting for the record that makes it the content.
  struct PendingContent {
    std::vector<uint64_t> stamps;  // as StampsOf gives them
    bool is_lost = false;          // to an I/O error
  };
  std::map<TagGeneration, PendingContent> pending;
  // Content that came by WriteGeneration and that no fold has seen yet.
  std::set<TagGeneration> flipped;
  // Sets of crowd versions on disk.
  struct CrowdContent {
    uint64_t version = 0;       // of the commit that made it one; 0: it waits for it
    bool is_lost = false;       // to an I/O error, while it waited
    bool is_uploading = false;  // its list is begun and not ended
  };
  std::map<index::CrowdVersionId, CrowdContent> crowds;
  bool needs_scrub = false;  // a fold took erasures in whose traces are still in files
};

}  // namespace throng::storage

#endif  // THRONG_STORAGE_POPULATION_STATE_H_
