// What a package is made of: a specification bound to a snapshot.
//
//   absl::StatusOr<PackageSource> source = BindPackage(universes, context, spec, nullptr);
//   source->users;      // whom to write
//   source->manifest;   // all that is known before the first row
//
// Users who were erased by the time of binding are left out. Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_PACKAGE_SOURCE_H_
#define THRONG_SERVER_ENGINE_PACKAGE_SOURCE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/crowd_sets.h"
#include "index/snapshot.h"
#include "server/engine/call_context.h"
#include "server/engine/package_requests.h"
#include "server/engine/universe.h"

namespace throng::engine {

// What a stream that goes on must find as it was. A value; thread-compatible.
struct PackageBinding {
  uint32_t crowd = 0;  // its id
  uint32_t version = 0;
  uint32_t from = 0;  // of a delta; 0: nobody
  uint64_t data_version = 0;
};

// A tag beneath a package, and how sensitive it was.
struct PackageTag {
  uint32_t id = 0;
  int sensitivity = 0;
};

// A value; its parts may be read by any thread while it lives.
struct PackageSource {
  std::shared_ptr<Universe> universe;
  index::SnapshotRef snapshot;  // ids and tags are read on it
  // To go on with the package takes this data version: it has tags, or ids that may change.
  bool rests_on_snapshot = false;
  PackageBinding binding;
  index::OrdinalSetRef users;
  const index::IdTypeDefinition* id_type = nullptr;  // null: the primary one
  std::vector<const index::TagEntry*> tags;          // of the snapshot
  std::vector<PackageTag> beneath;  // tags of the columns, and beneath the crowd's versions
  PackageManifest manifest;
};

// Checks what needs no data. Errors: kInvalidArgument (TOO_MANY_TAGS, TAGS_WITHOUT_COLUMNS,
// NOT_FOR_BITMAPS) at "spec.<field>". Thread-safe, like all here.
absl::Status CheckSpec(const PackageSpec& spec);

// Binds to the newest snapshot, or, where `resumed` is not null, to what it names. Errors: as
// CheckSpec; kNotFound (UNKNOWN_POPULATION, UNKNOWN_CROWD at "spec.crowd", UNKNOWN_VERSION at
// "spec.version" or "spec.delta.from_version", UNKNOWN_ID_TYPE); kInvalidArgument (UNKNOWN_TAG,
// DUPLICATE_TAG, NAME_TAKEN, NOT_NUMERIC); kFailedPrecondition (CROWD_DELETED, CROWD_NOT_REFRESHED;
// of a resumed one CROWD_VERSION_GONE, VERSION_GONE).
absl::StatusOr<PackageSource> BindPackage(Universes& universes, const CallContext& context,
                                          const PackageSpec& spec, const PackageBinding* resumed);

// Whether a caller may see what rests on the tags.
bool SeesTags(const index::Catalogue& catalogue, const index::Visibility& visibility,
              const std::vector<PackageTag>& tags);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_PACKAGE_SOURCE_H_
