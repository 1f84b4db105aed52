// What one commit changes, as data: the record that is logged, replayed and applied.
//
//   CommitRecord record{.version = snapshot.data_version() + 1};
//   record.new_users.push_back("u17");                        // gets the next ordinal
//   record.tag_changes.push_back({.tag = city, .ordinals = {17}, .cells = {beijing}});
//   std::shared_ptr<const Snapshot> next = Apply(snapshot, record);
//
// Ids and texts are already resolved, so that applying a record cannot fail and gives the same
// snapshot when it is replayed. Types are values; thread-compatible.
#ifndef THRONG_INDEX_CHANGE_H_
#define THRONG_INDEX_CHANGE_H_

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "index/catalogue.h"
#include "index/crowd.h"

namespace throng::index {

// The changes of one tag, a cell or a list of labels a user.
struct TagChange {
  uint32_t tag = 0;
  std::vector<uint32_t> ordinals;  // ascending, distinct

  // Every type but LABELS: one entry an ordinal. CATEGORY: the code; FLAG: 0 or 1; else the number.
  std::vector<int64_t> cells;
  // Ordinal i loses its value where cleared[i]; empty: none does.
  std::vector<bool> cleared;

  // LABELS: ordinal i gets the changes label_changes[label_ends[i-1], label_ends[i]): a code
  // shifted left by one, plus 1 to add it and 0 to remove it. Where replaced[i], labels not added
  // are removed first.
  std::vector<uint32_t> label_ends;
  std::vector<uint32_t> label_changes;
  std::vector<bool> replaced;
};

// Values that a dictionary gets, in order of their codes from `first_code`.
struct NewValues {
  uint32_t tag = 0;
  uint32_t first_code = 0;
  std::vector<std::string> values;
};

// Ids of one declared type that users get, in order of linking: ids[i] is of the user owners[i].
struct IdLinks {
  uint32_t id_type = 0;
  uint32_t first_entry = 0;  // the number of ids ever linked before
  std::vector<uint32_t> owners;
  std::vector<std::string> ids;  // normalized, distinct, nobody's before
};

// Values that nobody has any more: their texts are forgotten.
struct DroppedValues {
  uint32_t tag = 0;
  std::vector<uint32_t> codes;  // ascending
};

// A request's id and answer, kept so that a retry gets the same answer.
struct RequestRecord {
  std::string scope;  // principal and method
  std::string request_id;
  uint64_t payload_hash = 0;
  std::string response;  // opaque to the index and the storage
};

struct CommitRecord {
  uint64_t version = 0;                    // the data version at which the change is visible
  int64_t time_us = 0;                     // Unix microseconds
  std::vector<TagDefinition> definitions;  // tags created or changed
  std::vector<NewValues> new_values;
  uint32_t first_ordinal = 0;          // of new_users
  std::vector<std::string> new_users;  // primary ids
  std::vector<TagChange> tag_changes;
  std::vector<RequestRecord> requests;
  std::vector<IdTypeDefinition> id_types;  // declared
  std::vector<IdLinks> links;              // one a type
  // Users who leave the universe with all their ids, ascending; what they have of tags is cleared
  // by tag_changes. A record with erasures has neither new users nor links.
  std::vector<uint32_t> erased_users;
  std::vector<DroppedValues> dropped_values;
  // The entries of the ledger of erasures that the data has followed from now on; 0: as before.
  uint64_t ledger_end = 0;
  CrowdChanges crowds;

  // True when applying it changes nothing but the version.
  bool empty() const {
    return definitions.empty() && new_values.empty() && new_users.empty() && tag_changes.empty() &&
           requests.empty() && id_types.empty() && links.empty() && erased_users.empty() &&
           dropped_values.empty() && ledger_end == 0 && crowds.empty();
  }
};

}  // namespace throng::index

#endif  // THRONG_INDEX_CHANGE_H_
