// What the engine must answer, computed in the plainest way: every user by itself, every operator
// by its definition in DESIGN section 5. It shares no code with the index or with query execution.
//
//   NaiveModel model(tags);
//   model.Apply(batch);
//   model.Select(expression, NaiveClock("UTC", now));   // the ids, in order of creation
#ifndef THRONG_TESTS_TESTING_NAIVE_MODEL_H_
#define THRONG_TESTS_TESTING_NAIVE_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "query/expression.h"
#include "tests/testing/naive_time.h"
#include "tests/testing/plain_rows.h"

namespace throng::testing {

// Copyable: a copy is the population at a version. Not thread-safe.
class NaiveModel {
 public:
  explicit NaiveModel(std::vector<PlainTag> tags);

  // Writes the rows; creates the users it does not know.
  void Apply(const PlainBatch& batch);
  void Apply(const PlainLabelsEdit& edit);
  // Nobody has the tag any more: what a REPLACE begins with.
  void ClearTag(uint32_t tag);

  // Links an id of a type to a user who exists. False, and nothing changes, when it is another's.
  bool Link(const std::string& id_type, const std::string& id, const std::string& user);
  // Forgets a user who exists: no expression selects it, its ids are free.
  void Erase(const std::string& user);
  // The user's place, by an id of a type; empty: the primary one.
  std::optional<size_t> Find(const std::string& id_type, const std::string& id) const;

  size_t size() const { return ids_.size(); }
  const std::string& id(size_t user) const { return ids_[user]; }
  const std::vector<PlainTag>& tags() const { return tags_; }

  // By user, in order of creation, whether the expression selects it. REQUIRES: it is valid and
  // fits the tags.
  std::vector<bool> Test(const query::Expression& expression, const NaiveClock& clock) const;
  std::vector<std::string> Select(const query::Expression& expression,
                                  const NaiveClock& clock) const;

  // How many of the `selected` users have each value of a CATEGORY or LABELS tag.
  std::map<std::string, uint64_t> CountValues(uint32_t tag,
                                              const std::vector<bool>& selected) const;
  // Users of `selected` for whom a FLAG is set, or who have the tag.
  uint64_t CountHaving(uint32_t tag, const std::vector<bool>& selected) const;

  // What a user has: the number, or the labels, as texts. Empty: none.
  std::optional<int64_t> Number(uint32_t tag, size_t user) const;
  std::set<std::string> Texts(uint32_t tag, size_t user) const;

 private:
  // A user's ids of a type, in order of linking.
  friend std::vector<std::string> LinkedIdsOf(const NaiveModel& model, const std::string& id_type,
                                              size_t user);
  friend void SetCrowd(const query::CrowdRef& crowd, const std::vector<bool>& selected,
                       NaiveModel* model);

  // A tag of all users. Texts are numbered in order of first use.
  struct Column {
    std::map<std::string, int64_t> codes;
    std::vector<std::string> texts;
    std::vector<std::optional<int64_t>> numbers;  // every type but LABELS; FLAG: 1 or nothing
    std::vector<std::set<int64_t>> labels;        // LABELS
  };

  // Where a literal stands among the numbers of a tag.
  NaiveSpan Place(uint32_t tag, const query::Value& value, const NaiveClock& clock) const;
  size_t UserOf(const std::string& id);
  int64_t CodeOf(uint32_t tag, const std::string& text);
  void Write(const PlainColumn& column, size_t row, size_t user);
  uint32_t TagOf(const std::string& name) const;
  bool Has(uint32_t tag, size_t user) const;

  std::vector<bool> TestNode(const query::And& node, const NaiveClock& clock) const;
  std::vector<bool> TestNode(const query::Or& node, const NaiveClock& clock) const;
  std::vector<bool> TestNode(const query::Not& node, const NaiveClock& clock) const;
  std::vector<bool> TestNode(const query::Condition& node, const NaiveClock& clock) const;
  std::vector<bool> TestNode(const query::IdSet& node, const NaiveClock& clock) const;
  std::vector<bool> TestNode(const query::Bucket& node, const NaiveClock& clock) const;
  std::vector<bool> TestNode(const query::Sample& node, const NaiveClock& clock) const;
  std::vector<bool> TestNode(const query::AllUsers& node, const NaiveClock& clock) const;
  std::vector<bool> TestNode(const query::NoUsers& node, const NaiveClock& clock) const;
  std::vector<bool> TestNode(const query::Limited& node, const NaiveClock& clock) const;
  std::vector<bool> TestNode(const query::CrowdRef& node, const NaiveClock& clock) const;

  // By user, whether it has any of the values.
  std::vector<bool> HasAny(uint32_t tag, const std::vector<query::Value>& values,
                           const NaiveClock& clock) const;
  std::vector<bool> InRange(uint32_t tag, const query::Range& range, const NaiveClock& clock) const;
  std::vector<bool> InBuckets(const std::string& salt, uint32_t from, uint32_t to) const;

  std::vector<PlainTag> tags_;
  std::vector<Column> columns_;
  std::vector<std::string> ids_;
  std::vector<uint64_t> hashes_;
  std::map<std::string, size_t> users_;
  std::set<size_t> erased_;
  std::map<std::string, std::vector<bool>> crowds_;  // by KeyOf
  // By type: id and user, in order of linking.
  std::map<std::string, std::vector<std::pair<std::string, size_t>>> links_;
};

std::vector<std::string> LinkedIdsOf(const NaiveModel& model, const std::string& id_type,
                                     size_t user);

// What crowd(...) with this name and version, or live, selects from now on, by user: `selected` and
// not erased since. Crowds that nobody set are empty.
void SetCrowd(const query::CrowdRef& crowd, const std::vector<bool>& selected, NaiveModel* model);

}  // namespace throng::testing

#endif  // THRONG_TESTS_TESTING_NAIVE_MODEL_H_
