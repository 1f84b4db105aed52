#include "cli/schema_infer.h"

#include <algorithm>
#include <cctype>
#include <memory>
#include <set>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "cli/column_profile.h"
#include "cli/delimited_reader.h"
#include "cli/schema.h"
#include "cli/terminal_text.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

constexpr int kRecordsForDelimiter = 50;
constexpr size_t kTagNameBytesMax = 128;

// `text` as a TOML basic string.
std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      quoted += c == '\t' ? "\\t" : fmt::format("\\u{:04X}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

// How many columns `delimiter` splits the first records into; 0 when they do not agree.
absl::StatusOr<size_t> ColumnsUnder(const std::string& path, char delimiter) {
  absl::StatusOr<std::unique_ptr<DelimitedReader>> reader =
      DelimitedReader::Open(path, {.delimiter = delimiter});
  if (!reader.ok()) return reader.status();
  size_t columns = 0;
  for (int i = 0; i < kRecordsForDelimiter; ++i) {
    const absl::StatusOr<bool> more = (*reader)->Next();
    if (!more.ok()) return more.status();
    if (!*more) break;
    if (i == 0) columns = (*reader)->fields().size();
    if ((*reader)->fields().size() != columns) return 0;
  }
  return columns;
}

absl::StatusOr<char> FindDelimiter(const std::string& path) {
  char best = ',';
  size_t most = 0;
  absl::Status failure;
  for (const char candidate : {',', ';', '\t', '|'}) {
    const absl::StatusOr<size_t> columns = ColumnsUnder(path, candidate);
    if (!columns.ok()) failure = columns.status();
    if (!columns.ok() || *columns <= most) continue;
    most = *columns;
    best = candidate;
  }
  if (most == 0 && !failure.ok()) return failure;
  return best;
}

// A file as it was read.
struct Profile {
  char delimiter = ',';
  std::vector<std::string> header;
  std::vector<ColumnProfile> columns;
  uint64_t rows = 0;
  uint64_t malformed = 0;
};

absl::StatusOr<Profile> ReadProfile(const std::string& path, char delimiter, uint64_t rows_max) {
  absl::StatusOr<std::unique_ptr<DelimitedReader>> opened =
      DelimitedReader::Open(path, {.delimiter = delimiter});
  if (!opened.ok()) return opened.status();
  DelimitedReader& reader = **opened;
  absl::StatusOr<bool> more = reader.Next();
  if (!more.ok()) return more.status();
  if (!*more) return absl::InvalidArgumentError(fmt::format("{}: the file is empty", path));
  if (reader.problem()) {
    return absl::InvalidArgumentError(
        fmt::format("{}:{}: {}", path, reader.problem()->line, reader.problem()->reason));
  }
  Profile profile;
  profile.delimiter = delimiter;
  profile.header.assign(reader.fields().begin(), reader.fields().end());
  profile.columns.resize(profile.header.size());
  while (profile.rows < rows_max) {
    more = reader.Next();
    if (!more.ok()) return more.status();
    if (!*more) break;
    if (reader.problem()) {
      ++profile.malformed;
      continue;
    }
    ++profile.rows;
    for (size_t i = 0; i < profile.columns.size(); ++i) profile.columns[i].Add(reader.fields()[i]);
  }
  if (profile.rows == 0) {
    return absl::InvalidArgumentError(fmt::format("{}: there are no rows to look at", path));
  }
  return profile;
}

// Whether a column's name says that it holds ids.
bool NamesAnId(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower == "#" || lower == "uid" || lower == "user" || lower.starts_with("id_") ||
         lower.ends_with("id");
}

// The column that every row has another value in, by name or else the first; nullopt: none.
std::optional<size_t> GuessIdColumn(const Profile& profile) {
  std::optional<size_t> first;
  for (size_t i = 0; i < profile.columns.size(); ++i) {
    if (!profile.columns[i].IsUnique()) continue;
    if (NamesAnId(profile.header[i])) return i;
    const std::optional<TagSchema> tag = profile.columns[i].GuessTag("id");
    const bool plain = !tag || tag->type == v1::TAG_TYPE_INTEGER;
    if (!first && plain && profile.rows > 1) first = i;
  }
  return first;
}

// How the schema calls column `i`: by its name if that is unique.
std::string ReferenceTo(const Profile& profile, size_t i) {
  const std::string& name = profile.header[i];
  const auto same = std::count(profile.header.begin(), profile.header.end(), name);
  const bool like_a_number = ParseColumnRef(name).number.has_value();
  return name.empty() || same > 1 || like_a_number ? fmt::format("#{}", i) : name;
}

// A name for the tag of column `i` that no other tag has.
std::string TagNameFor(const Profile& profile, size_t i, std::set<std::string>& taken) {
  std::string name = profile.header[i];
  std::replace_if(
      name.begin(), name.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '/'; }, '_');
  size_t end = std::min(name.size(), kTagNameBytesMax - 12);  // room for a number behind it
  while (end > 0 && end < name.size() && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) {
    --end;
  }
  name.resize(end);
  if (name.empty()) name = "column";
  if (!taken.contains(name) && name != "column") {
    taken.insert(name);
    return name;
  }
  std::string numbered = fmt::format("{}_{}", name, i);
  while (!taken.insert(numbered).second) numbered += '_';
  return numbered;
}

std::string RenderFileRules(const Profile& profile, const std::string& path,
                            std::optional<size_t> id) {
  std::set<std::string> missing = {""};
  for (const ColumnProfile& column : profile.columns)
    missing.merge(std::set(column.missing_texts()));
  std::string missing_list;
  for (const std::string& text : missing) {
    missing_list += (missing_list.empty() ? "" : ", ") + Quoted(text);
  }
  std::string toml =
      fmt::format("# Drafted from {} rows of {}. Check every guess before loading.\n", profile.rows,
                  Printable(path));
  if (profile.malformed > 0) {
    toml += fmt::format("# {} rows were malformed and not looked at.\n", profile.malformed);
  }
  toml += fmt::format("\ndelimiter = {}\nquote = \"\\\"\"\nheader = true\nform = \"wide\"\n",
                      Quoted(std::string(1, profile.delimiter)));
  toml += fmt::format(
      "# Cells that mean \"no value\", and whether such a cell leaves what the user "
      "has or clears it.\nmissing = [{}]\non_missing = \"leave\"\n",
      missing_list);
  if (id) {
    toml += fmt::format("# Every row has another value here.\nid_column = {}\n",
                        Quoted(ReferenceTo(profile, *id)));
  } else {
    toml +=
        "# No column tells all rows apart. If one is the id: id_column = \"...\"\n"
        "id = \"row-number\"\n";
  }
  return toml;
}

std::string RenderTag(const Profile& profile, size_t i, const std::string& name) {
  const ColumnProfile& column = profile.columns[i];
  const std::string reference = ReferenceTo(profile, i);
  std::string comment = fmt::format("# {} different values, missing in {} of {} rows.\n",
                                    column.distinct(), column.missing(), profile.rows);
  const std::optional<TagSchema> tag = column.GuessTag(name);
  const std::string column_line =
      reference == name ? "" : fmt::format("column = {}\n", Quoted(reference));
  if (!tag) {
    comment += column.values() == 0 ? "# No value was seen, so no type can be guessed.\n"
                                    : "# The values hardly recur: free text is no tag.\n";
    return fmt::format("\n{}#[[tag]]\n#name = {}\n{}#type = \"CATEGORY\"\n", comment, Quoted(name),
                       column_line.empty() ? "" : "#" + column_line);
  }
  std::string toml = fmt::format("\n{}[[tag]]\nname = {}\n{}type = \"{}\"\n", comment, Quoted(name),
                                 column_line, TagTypeName(tag->type));
  if (tag->type == v1::TAG_TYPE_DECIMAL) toml += fmt::format("scale = {}\n", tag->scale);
  if (!tag->separator.empty()) toml += fmt::format("separator = {}\n", Quoted(tag->separator));
  if (tag->integral_floats) toml += "integral_floats = true\n";
  if (!tag->format.empty()) {
    toml +=
        fmt::format("{} = {}\n", tag->type == v1::TAG_TYPE_DATE ? "date_format" : "datetime_format",
                    Quoted(tag->format));
  }
  if (tag->type == v1::TAG_TYPE_DATE_TIME) toml += "time_zone = \"UTC\"\n";
  return toml;
}

// Whether column `i` is one option of a question with several answers: a cell that is not blank
// repeats the column's name.
bool IsChoice(const Profile& profile, size_t i) {
  const auto trimmed = [](std::string_view text) {
    const size_t begin = std::min(text.find_first_not_of(' '), text.size());
    return text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
  };
  const std::string_view value = profile.columns[i].only_value();
  return !value.empty() && trimmed(value) == trimmed(profile.header[i]);
}

// How many columns from `begin` are options of one question: neighbours, none of a name that stood
// before. 1 is no group.
size_t ChoicesFrom(const Profile& profile, size_t begin, std::optional<size_t> id) {
  std::set<std::string_view> names;
  size_t end = begin;
  while (end < profile.columns.size() && end != id && IsChoice(profile, end) &&
         names.insert(profile.header[end]).second) {
    ++end;
  }
  return std::max<size_t>(end - begin, 1);
}

std::string RenderChoices(const Profile& profile, size_t begin, size_t count) {
  std::string columns;
  for (size_t i = begin; i < begin + count; ++i) {
    columns += (i == begin ? "" : ", ") + Quoted(ReferenceTo(profile, i));
  }
  return fmt::format(
      "\n# {} columns whose cells are blank or repeat the column's name: options of one question.\n"
      "# Give it a name; if they are several questions, make a tag of each.\n"
      "[[tag]]\nname = \"choices_{}\"\ntype = \"LABELS\"\ncolumns = [{}]\n",
      count, begin, columns);
}

}  // namespace

absl::StatusOr<std::string> InferSchema(const std::string& path, const InferOptions& options) {
  absl::StatusOr<char> delimiter =
      options.delimiter ? absl::StatusOr<char>(*options.delimiter) : FindDelimiter(path);
  if (!delimiter.ok()) return delimiter.status();
  absl::StatusOr<Profile> profile = ReadProfile(path, *delimiter, options.rows_max);
  if (!profile.ok()) return profile.status();
  const std::optional<size_t> id = GuessIdColumn(*profile);
  std::string toml = RenderFileRules(*profile, path, id);
  std::set<std::string> taken;
  for (size_t i = 0; i < profile->columns.size();) {
    const size_t count = ChoicesFrom(*profile, i, id);
    if (count > 1) {
      toml += RenderChoices(*profile, i, count);
    } else if (i != id) {
      toml += RenderTag(*profile, i, TagNameFor(*profile, i, taken));
    }
    i += count;
  }
  return toml;
}

}  // namespace throng::cli
