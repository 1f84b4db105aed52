// How a version of a crowd comes to be, whatever it was computed from: its set is written, then one
// commit adds it, drops the versions that go for it, and may freeze the crowd.
//
//   RefreshGuard guard(crowds);
//   if (!guard.Take(population, crowd)) ...        // somebody else computes it
//   ReadyVersion ready{.crowd = 7, .version = NextVersion(*entry, set), .set = set};
//   WrittenSets written(universe);
//   THRONG_RETURN_IF_ERROR(written.Write({{{7, ready.version.number}, set}}));
//   universe.Commit([&](...) { return AddVersion(newest, ready, /*freezes=*/false, record); });
//   written.Keep();
//
// Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_CROWD_COMMIT_H_
#define THRONG_SERVER_ENGINE_CROWD_COMMIT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/change.h"
#include "index/crowd.h"
#include "index/crowd_sets.h"
#include "index/snapshot.h"
#include "server/engine/crowds.h"
#include "server/engine/universe.h"

namespace throng::engine {

// Keeps others from computing the same crowds. Not thread-safe.
class RefreshGuard {
 public:
  explicit RefreshGuard(Crowds& crowds) : crowds_(crowds) {}
  RefreshGuard(const RefreshGuard&) = delete;
  RefreshGuard& operator=(const RefreshGuard&) = delete;
  ~RefreshGuard();

  // False when somebody else does.
  bool Take(uint32_t population, uint32_t crowd);

 private:
  Crowds& crowds_;
  std::vector<std::pair<uint32_t, uint32_t>> held_;
};

// kFailedPrecondition about a crowd, which the message begins with.
absl::Status CrowdRefused(const index::CrowdDefinition& definition, std::string_view reason,
                          std::string_view why, std::string_view field);
// OK unless the crowd is deleted or frozen. Errors: kFailedPrecondition (CROWD_DELETED,
// CROWD_FROZEN) at `field`.
absl::Status CheckGetsVersions(const index::CrowdDefinition& definition, std::string_view field);

// The version behind the crowd's newest, but for when and on what it was computed.
index::CrowdVersion NextVersion(const index::CrowdEntry& crowd, const index::OrdinalSet& set);

// Writes sets before the commit that makes them versions, and takes them back when it does not
// come. Not thread-safe.
class WrittenSets {
 public:
  explicit WrittenSets(const Universe& universe) : universe_(universe) {}
  WrittenSets(const WrittenSets&) = delete;
  WrittenSets& operator=(const WrittenSets&) = delete;
  ~WrittenSets();

  // Several at a time. Errors: as Store::WriteCrowdVersion.
  absl::Status Write(std::vector<std::pair<index::CrowdVersionId, index::OrdinalSetRef>> sets);
  // They are versions now.
  void Keep() { ids_.clear(); }

 private:
  const Universe& universe_;
  std::vector<index::CrowdVersionId> ids_;
};

struct ReadyVersion {
  uint32_t crowd = 0;
  index::CrowdVersion version;
  index::OrdinalSetRef set;
  std::string field;  // of the request, for errors
};
// Puts a version into the record, as the newest snapshot has its crowd. Errors: kAborted
// (UNKNOWN_CROWD, REFRESH_UNDER_WAY; CROWD_CHANGED where it freezes), as CheckGetsVersions.
absl::Status AddVersion(const index::Snapshot& newest, const ReadyVersion& ready, bool freezes,
                        index::CommitRecord* record);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_CROWD_COMMIT_H_
