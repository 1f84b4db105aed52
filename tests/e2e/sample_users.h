// The sample population as a test sees it: the cells of users.csv, and counts over them by plain
// loops that share nothing with the product.
//
//   const SampleUsers users(directory + "/users.csv");
//   users.Count([](const SampleUsers::User& user) { return user.Is("city", "Beijing"); });
#ifndef THRONG_TESTS_E2E_SAMPLE_USERS_H_
#define THRONG_TESTS_E2E_SAMPLE_USERS_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/e2e/test_files.h"

namespace throng::e2e {

// The pieces between separators; at least one.
inline std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// Immutable; thread-safe.
class SampleUsers {
 public:
  class User {
   public:
    User(const SampleUsers* users, std::vector<std::string> cells)
        : users_(users), cells_(std::move(cells)) {}

    // A cell as it stands in the file; empty: no value.
    const std::string& operator[](std::string_view column) const {
      return cells_[users_->columns_.find(column)->second];
    }
    bool Has(std::string_view column) const { return !(*this)[column].empty(); }
    bool Is(std::string_view column, std::string_view value) const {
      return (*this)[column] == value;
    }
    // Only where Has().
    int64_t Number(std::string_view column) const { return std::stoll((*this)[column]); }
    // Sorted, each once.
    std::vector<std::string> Labels(std::string_view column) const {
      if (!Has(column)) return {};
      std::vector<std::string> labels = Split((*this)[column], '|');
      std::sort(labels.begin(), labels.end());
      labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
      return labels;
    }
    bool HasLabel(std::string_view column, const std::string& label) const {
      const std::vector<std::string> labels = Labels(column);
      return std::binary_search(labels.begin(), labels.end(), label);
    }

   private:
    const SampleUsers* users_;
    std::vector<std::string> cells_;
  };

  // The sample has no quoted cells.
  explicit SampleUsers(const std::string& path) {
    std::vector<std::string> lines = LinesOf(ReadFile(path));
    const std::vector<std::string> names = Split(lines[0], ',');
    for (size_t i = 0; i < names.size(); ++i) columns_[names[i]] = i;
    for (size_t i = 1; i < lines.size(); ++i) users_.emplace_back(this, Split(lines[i], ','));
  }
  SampleUsers(const SampleUsers&) = delete;
  SampleUsers& operator=(const SampleUsers&) = delete;

  const std::vector<User>& all() const { return users_; }
  template <typename Predicate>
  int64_t Count(Predicate matches) const {
    return std::count_if(users_.begin(), users_.end(), matches);
  }

 private:
  std::map<std::string, size_t, std::less<>> columns_;
  std::vector<User> users_;
};

}  // namespace throng::e2e

#endif  // THRONG_TESTS_E2E_SAMPLE_USERS_H_
