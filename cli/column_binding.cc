#include "cli/column_binding.h"

#include <algorithm>
#include <map>

#include "absl/status/status.h"
#include "cli/delimited_reader.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

// Looks columns up and collects what is wrong.
class Binder {
 public:
  Binder(const Schema& schema, const std::vector<std::string_view>& first_record,
         std::string_view file)
      : schema_(schema), file_(file), count_(first_record.size()) {
    for (size_t i = 0; i < first_record.size(); ++i) {
      const bool named = schema.header && !first_record[i].empty();
      names_.push_back(named ? std::string(first_record[i]) : fmt::format("#{}", i));
      if (named) places_[names_.back()].push_back(static_cast<uint32_t>(i));
    }
  }

  uint32_t Find(const ColumnRef& column, std::string_view what) {
    if (column.number) {
      if (*column.number < count_) return *column.number;
      return Wrong(fmt::format("{}: there is no column #{}: the file has {}, #0 to #{}", what,
                               *column.number, count_, count_ - 1));
    }
    if (!schema_.header) {
      return Wrong(
          fmt::format("{}: column '{}' must be given by number, e.g. \"#0\": the file has "
                      "no header",
                      what, column.name));
    }
    const auto it = places_.find(column.name);
    if (it == places_.end()) {
      const std::string nearest = NearestName(column.name, names_);
      return Wrong(
          fmt::format("{}: the header has no column '{}'{}", what, column.name,
                      nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest)));
    }
    if (it->second.size() > 1) {
      return Wrong(
          fmt::format("{}: the header has column '{}' {} times; say which by number, e.g. "
                      "\"#{}\"",
                      what, column.name, it->second.size(), it->second.front()));
    }
    return it->second.front();
  }

  absl::Status ToStatus() const {
    return mistakes_.empty() ? absl::OkStatus() : absl::InvalidArgumentError(mistakes_);
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  uint32_t Wrong(std::string_view message) {
    if (!mistakes_.empty()) mistakes_ += '\n';
    mistakes_ += fmt::format("{}: {}", file_, message);
    return 0;
  }

  const Schema& schema_;
  const std::string file_;
  const size_t count_;
  std::vector<std::string> names_;
  std::map<std::string, std::vector<uint32_t>, std::less<>> places_;
  std::string mistakes_;
};

// An error when the whole first record is one field that another delimiter would split.
absl::Status CheckDelimiter(const Schema& schema, const std::vector<std::string_view>& record,
                            std::string_view file) {
  const size_t wanted = (schema.id_column ? 1 : 0) + schema.tags.size();
  if (record.size() != 1 || wanted < 2) return absl::OkStatus();
  const std::optional<char> guess = GuessDelimiter(record[0]);
  if (!guess || *guess == schema.delimiter) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format(
      "{}:1: the first line is a single column when split at {}; the delimiter seems to be {}",
      file, DelimiterName(schema.delimiter), DelimiterName(*guess)));
}

}  // namespace

absl::StatusOr<ColumnBinding> BindColumns(const Schema& schema,
                                          const std::vector<std::string_view>& first_record,
                                          std::string_view file) {
  if (absl::Status status = CheckDelimiter(schema, first_record, file); !status.ok()) {
    return status;
  }
  Binder binder(schema, first_record, file);
  ColumnBinding binding;
  if (!schema.id_is_row_number && schema.id_column) {
    binding.id = binder.Find(*schema.id_column, "id column");
  }
  if (schema.form == Schema::Form::kLong) {
    if (schema.tag_column) binding.tag = binder.Find(*schema.tag_column, "tag_column");
    if (schema.value_column) binding.value = binder.Find(*schema.value_column, "value_column");
  } else {
    for (const TagSchema& tag : schema.tags) {
      std::vector<uint32_t>& columns = binding.tags.emplace_back();
      for (const ColumnRef& column : tag.columns) {
        columns.push_back(binder.Find(column, fmt::format("tag '{}'", tag.name)));
      }
    }
  }
  if (absl::Status status = binder.ToStatus(); !status.ok()) return status;
  binding.names = binder.names();
  return binding;
}

}  // namespace throng::cli
