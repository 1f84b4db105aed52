#include "cli/schema.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <set>
#include <sstream>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "cli/text_check.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

constexpr size_t kSchemaBytesMax = size_t{4} << 20;
constexpr size_t kTagNameBytesMax = 128;
constexpr int64_t kScaleMax = 9;

using Keys = std::initializer_list<std::string_view>;

// Collects every mistake of one schema.
class Mistakes {
 public:
  explicit Mistakes(std::string_view name) : name_(name) {}
  void Add(uint64_t line, std::string_view message) {
    lines_.emplace(line, fmt::format("{}:{}: {}", name_, line, message));
  }
  absl::Status ToStatus() const {
    if (lines_.empty()) return absl::OkStatus();
    std::string text;
    for (const auto& [line, message] : lines_) text += (text.empty() ? "" : "\n") + message;
    return absl::InvalidArgumentError(text);
  }

 private:
  const std::string name_;
  std::multimap<uint64_t, std::string> lines_;
};

// Typed access to one table of the file, which names what is wrong with each key.
class Section {
 public:
  // `where` starts each message, e.g. "tag 'city': ". `table` must outlive the section.
  Section(const toml::table& table, std::string where, Mistakes& mistakes)
      : table_(table), where_(std::move(where)), mistakes_(mistakes) {}

  void CheckKeys(Keys known) {
    const std::vector<std::string> names(known.begin(), known.end());
    for (const auto& [key, node] : table_) {
      if (std::find(names.begin(), names.end(), key.str()) != names.end()) continue;
      const std::string nearest = NearestName(key.str(), names);
      Wrong(key.source().begin.line,
            fmt::format("unknown key '{}'{}", key.str(),
                        nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest)));
    }
  }
  bool Has(std::string_view key) const { return table_.get(key) != nullptr; }
  uint64_t Line(std::string_view key) const {
    const toml::node* node = table_.get(key);
    return node == nullptr ? table_.source().begin.line : node->source().begin.line;
  }
  void Wrong(uint64_t line, std::string_view message) {
    mistakes_.Add(line, fmt::format("{}{}", where_, message));
  }
  void WrongKey(std::string_view key, std::string_view message) {
    Wrong(Line(key), fmt::format("{}: {}", key, message));
  }

  void Text(std::string_view key, std::string& out) {
    if (!Has(key)) return;
    if (const auto value = table_.get(key)->value_exact<std::string>()) {
      out = *value;
    } else {
      WrongKey(key, "must be a text in quotes");
    }
  }
  void Bool(std::string_view key, bool& out) {
    if (!Has(key)) return;
    if (const auto value = table_.get(key)->value_exact<bool>()) {
      out = *value;
    } else {
      WrongKey(key, "must be true or false, without quotes");
    }
  }
  template <typename Integer>
  void Number(std::string_view key, int64_t least, int64_t most, Integer& out) {
    if (!Has(key)) return;
    const auto value = table_.get(key)->value_exact<int64_t>();
    if (value && *value >= least && *value <= most) {
      out = static_cast<Integer>(*value);
    } else {
      WrongKey(key, fmt::format("must be a whole number from {} to {}", least, most));
    }
  }
  void Texts(std::string_view key, std::vector<std::string>& out) {
    if (!Has(key)) return;
    const toml::array* array = table_.get(key)->as_array();
    std::vector<std::string> texts;
    for (size_t i = 0; array != nullptr && i < array->size(); ++i) {
      if (const auto value = array->get(i)->value_exact<std::string>()) texts.push_back(*value);
    }
    if (array == nullptr || texts.size() != array->size()) {
      WrongKey(key, "must be a list of texts, e.g. [\"\", \"NULL\"]");
    } else {
      out = std::move(texts);
    }
  }
  void Column(std::string_view key, std::optional<ColumnRef>& out) {
    std::string text;
    Text(key, text);
    if (!text.empty()) {
      out = ParseColumnRef(text);
    } else if (Has(key)) {
      WrongKey(key, "must be a column's name or its number, e.g. \"#0\"");
    }
  }
  const toml::table& table() const { return table_; }

 private:
  const toml::table& table_;
  const std::string where_;
  Mistakes& mistakes_;
};

// Keys that only some types take.
struct TypeKey {
  std::string_view key;
  v1::TagType type;
};
constexpr TypeKey kTypeKeys[] = {
    {"scale", v1::TAG_TYPE_DECIMAL},       {"separator", v1::TAG_TYPE_LABELS},
    {"columns", v1::TAG_TYPE_LABELS},      {"labels", v1::TAG_TYPE_LABELS},
    {"true", v1::TAG_TYPE_FLAG},           {"false", v1::TAG_TYPE_FLAG},
    {"date_format", v1::TAG_TYPE_DATE},    {"datetime_format", v1::TAG_TYPE_DATE_TIME},
    {"time_zone", v1::TAG_TYPE_DATE_TIME}, {"integral_floats", v1::TAG_TYPE_INTEGER},
};

void ReadType(Section& section, TagSchema& tag) {
  std::string type;
  section.Text("type", type);
  if (const auto known = ParseTagType(type)) {
    tag.type = *known;
  } else if (!section.Has("type")) {
    section.Wrong(section.Line("type"), "type is missing");
  } else {
    section.WrongKey("type", fmt::format("'{}' is not one of FLAG, CATEGORY, LABELS, INTEGER, "
                                         "DECIMAL, DATE, DATETIME",
                                         type));
  }
  for (const TypeKey& entry : kTypeKeys) {
    if (tag.type != v1::TAG_TYPE_UNSPECIFIED && tag.type != entry.type && section.Has(entry.key)) {
      section.WrongKey(entry.key, fmt::format("is only for {} tags, not for {}",
                                              TagTypeName(entry.type), TagTypeName(tag.type)));
    }
  }
  section.Number("scale", 0, kScaleMax, tag.scale);
  if (tag.type == v1::TAG_TYPE_DECIMAL && !section.Has("scale")) {
    section.Wrong(section.Line("type"), "scale is missing: a DECIMAL tag says how many decimals");
  }
}

void ReadColumns(Section& section, TagSchema& tag) {
  const int given = (section.Has("column") ? 1 : 0) + (section.Has("columns") ? 1 : 0) +
                    (section.Has("labels") ? 1 : 0);
  if (given > 1) section.Wrong(section.Line("name"), "give one of column, columns and labels");
  std::vector<std::string> columns;
  section.Texts("columns", columns);
  for (const std::string& column : columns) tag.columns.push_back(ParseColumnRef(column));
  if (section.Has("columns") && columns.empty()) section.WrongKey("columns", "names no column");
  if (section.Has("labels")) {
    const toml::table* labels = section.table().get("labels")->as_table();
    if (labels == nullptr || labels->empty()) {
      section.WrongKey("labels", "must be a table, e.g. {\"#9\" = \"hackathon\"}");
    }
    for (auto it = labels == nullptr ? toml::table::const_iterator() : labels->begin();
         labels != nullptr && it != labels->end(); ++it) {
      const auto label = it->second.value_exact<std::string>();
      if (!label || label->empty()) {
        section.WrongKey("labels", fmt::format("the label of column '{}' must be a text that is "
                                               "not empty",
                                               it->first.str()));
      }
      tag.columns.push_back(ParseColumnRef(it->first.str()));
      tag.labels.push_back(label.value_or(""));
    }
  }
  std::optional<ColumnRef> column;
  section.Column("column", column);
  if (column) tag.columns.push_back(*column);
  if (tag.columns.empty()) tag.columns.push_back(ColumnRef{.name = tag.name, .number = {}});
  section.Text("separator", tag.separator);
  if (section.Has("separator") && tag.separator.empty()) {
    section.WrongKey("separator", "must not be empty; leave it out where a cell is one label");
  }
  if (section.Has("separator") && tag.columns.size() > 1) {
    section.WrongKey("separator", "labels come from several columns or from one with a separator");
  }
}

void ReadDefinition(Section& section, TagSchema& tag) {
  section.Text("display_name", *tag.definition.mutable_display_name());
  section.Text("path", *tag.definition.mutable_path());
  section.Text("description", *tag.definition.mutable_description());
  section.Text("owner", *tag.definition.mutable_owner());
  int32_t sensitivity = 0;
  section.Number("sensitivity", 0, 9, sensitivity);
  tag.definition.set_sensitivity(sensitivity);
  uint32_t max_values = 0;
  section.Number("max_values", 1, 65'535, max_values);
  tag.definition.set_max_values(max_values);
  tag.definition.set_type(tag.type);
  tag.definition.set_scale(tag.scale);
}

void ReadCellRules(Section& section, TagSchema& tag) {
  section.Texts("true", tag.true_texts);
  section.Texts("false", tag.false_texts);
  for (const std::string& text : tag.true_texts) {
    if (std::find(tag.false_texts.begin(), tag.false_texts.end(), text) != tag.false_texts.end()) {
      section.WrongKey("true", fmt::format("'{}' is among false too", text));
    }
  }
  const std::string_view format_key =
      tag.type == v1::TAG_TYPE_DATE ? "date_format" : "datetime_format";
  section.Text(format_key, tag.format);
  if (section.Has(format_key) && tag.format.find('%') == std::string::npos) {
    section.WrongKey(format_key, "must hold fields such as %Y-%m-%d");
  }
  section.Text("time_zone", tag.time_zone);
  absl::TimeZone zone;
  if (!absl::LoadTimeZone(tag.time_zone, &zone)) {
    section.WrongKey("time_zone", fmt::format("'{}' is not an IANA zone, e.g. \"Asia/Shanghai\"",
                                              tag.time_zone));
  }
  section.Bool("integral_floats", tag.integral_floats);
  if (section.Has("missing")) {
    std::vector<std::string> missing;
    section.Texts("missing", missing);
    tag.missing = std::move(missing);
  }
}

void CheckTagName(Section& section, const std::string& name) {
  if (!section.Has("name")) return section.Wrong(section.Line("name"), "name is missing");
  if (name.empty()) return section.WrongKey("name", "must not be empty");
  if (name.size() > kTagNameBytesMax) {
    section.WrongKey("name",
                     fmt::format("has {} bytes, more than {}", name.size(), kTagNameBytesMax));
  }
  const bool odd = std::any_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '/';
  });
  if (odd) section.WrongKey("name", "must not hold '/' or control characters");
}

TagSchema ReadTag(const toml::table& table, size_t place, bool integral_floats,
                  Mistakes& mistakes) {
  TagSchema tag;
  tag.integral_floats = integral_floats;
  const auto name = table["name"].value<std::string>();
  Section section(table,
                  name ? fmt::format("tag '{}': ", *name) : fmt::format("tag number {}: ", place),
                  mistakes);
  section.CheckKeys({"name",
                     "column",
                     "columns",
                     "labels",
                     "type",
                     "display_name",
                     "path",
                     "description",
                     "owner",
                     "sensitivity",
                     "max_values",
                     "scale",
                     "separator",
                     "true",
                     "false",
                     "date_format",
                     "datetime_format",
                     "time_zone",
                     "missing",
                     "integral_floats"});
  section.Text("name", tag.name);
  CheckTagName(section, tag.name);
  ReadType(section, tag);
  ReadColumns(section, tag);
  ReadCellRules(section, tag);
  ReadDefinition(section, tag);
  return tag;
}

void ReadTags(Section& section, Schema& schema, Mistakes& mistakes) {
  const toml::node* node = section.table().get("tag");
  const toml::array* tags = node == nullptr ? nullptr : node->as_array();
  if (tags == nullptr || tags->empty() || !tags->is_array_of_tables()) {
    return section.Wrong(section.Line("tag"), "there must be at least one [[tag]]");
  }
  std::set<std::string> names;
  for (size_t i = 0; i < tags->size(); ++i) {
    const toml::table& table = *tags->get(i)->as_table();
    TagSchema tag = ReadTag(table, i + 1, schema.integral_floats, mistakes);
    if (!tag.name.empty() && !names.insert(tag.name).second) {
      mistakes.Add(table.source().begin.line, fmt::format("tag '{}' is there twice", tag.name));
    }
    schema.tags.push_back(std::move(tag));
  }
}

void ReadCharacter(Section& section, std::string_view key, bool may_be_empty, char& out) {
  if (!section.Has(key)) return;
  std::string text;
  section.Text(key, text);
  const bool ascii = text.size() == 1 && text[0] != '\n' && text[0] != '\r' && text[0] != '\0' &&
                     static_cast<unsigned char>(text[0]) < 0x80;
  if (ascii) {
    out = text[0];
  } else if (text.empty() && may_be_empty) {
    out = '\0';
  } else {
    section.WrongKey(key, "must be one ASCII character");
  }
}

// Reads `key` as one of two words; true for the second.
void ReadChoice(Section& section, std::string_view key, std::string_view first,
                std::string_view second, bool& out) {
  if (!section.Has(key)) return;
  std::string text;
  section.Text(key, text);
  if (text == first || text == second) {
    out = text == second;
  } else {
    section.WrongKey(key, fmt::format("must be \"{}\" or \"{}\"", first, second));
  }
}

void ReadFileRules(Section& section, Schema& schema) {
  ReadCharacter(section, "delimiter", false, schema.delimiter);
  ReadCharacter(section, "quote", true, schema.quote);
  if (schema.delimiter == schema.quote) section.WrongKey("quote", "is the delimiter too");
  section.Bool("header", schema.header);
  section.Bool("trim", schema.trim);
  section.Bool("integral_floats", schema.integral_floats);
  section.Texts("missing", schema.missing);
  bool clear = false;
  ReadChoice(section, "on_missing", "leave", "clear", clear);
  if (clear) schema.on_missing = Schema::OnMissing::kClear;
  ReadChoice(section, "missing_id", "error", "skip", schema.skip_missing_ids);
}

void ReadIds(Section& section, const SchemaOverrides& overrides, Schema& schema) {
  bool is_long = false;
  ReadChoice(section, "form", "wide", "long", is_long);
  schema.form = is_long ? Schema::Form::kLong : Schema::Form::kWide;
  schema.form = overrides.form.value_or(schema.form);
  std::string id;
  section.Text("id", id);
  if (section.Has("id") && id != "row-number") {
    section.WrongKey("id", "can only be \"row-number\"; a column goes into id_column");
  }
  if (section.Has("id") && section.Has("id_column")) {
    section.WrongKey("id", "give id or id_column, not both");
  }
  schema.id_is_row_number = id == "row-number";
  section.Column("id_column", schema.id_column);
  std::optional<ColumnRef> user_column;
  section.Column("user_column", user_column);
  section.Column("tag_column", schema.tag_column);
  section.Column("value_column", schema.value_column);
  if (schema.form == Schema::Form::kLong) {
    schema.id_is_row_number = false;
    if (user_column) schema.id_column = user_column;
  }
  if (overrides.id_column) {
    schema.id_column = ParseColumnRef(*overrides.id_column);
    schema.id_is_row_number = false;
  } else if (overrides.id_is_row_number) {
    schema.id_is_row_number = true;
  }
  if (schema.form == Schema::Form::kLong) {
    if (schema.id_is_row_number) section.Wrong(1, "the long form needs a column of ids");
    if (!schema.id_column) section.Wrong(1, "the long form needs user_column");
    if (!schema.tag_column) section.Wrong(1, "the long form needs tag_column");
    if (!schema.value_column) section.Wrong(1, "the long form needs value_column");
  } else if (!schema.id_column && !schema.id_is_row_number) {
    section.Wrong(1, "say where the id is: id_column = \"...\" or id = \"row-number\"");
  }
}

absl::StatusOr<toml::table> ParseToml(std::string_view text, std::string_view name) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    return absl::InvalidArgumentError(
        fmt::format("{}:{}: not TOML: {}", name, error.source().begin.line, error.description()));
  }
}

}  // namespace

absl::StatusOr<Schema> ParseSchema(std::string_view toml, std::string_view name,
                                   const SchemaOverrides& overrides) {
  absl::StatusOr<toml::table> table = ParseToml(toml, name);
  if (!table.ok()) return table.status();
  Mistakes mistakes(name);
  Section section(*table, "", mistakes);
  section.CheckKeys({"delimiter", "quote", "header", "form", "missing", "on_missing", "trim",
                     "id_column", "id", "integral_floats", "missing_id", "user_column",
                     "tag_column", "value_column", "tag"});
  Schema schema;
  ReadFileRules(section, schema);
  ReadIds(section, overrides, schema);
  ReadTags(section, schema, mistakes);
  if (absl::Status status = mistakes.ToStatus(); !status.ok()) return status;
  return schema;
}

absl::StatusOr<Schema> ReadSchema(const std::string& path, const SchemaOverrides& overrides) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return absl::NotFoundError(fmt::format("{}: cannot open: {}", path, std::strerror(errno)));
  }
  std::string text(kSchemaBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (file.bad()) return absl::UnavailableError(fmt::format("{}: cannot read", path));
  if (text.size() > kSchemaBytesMax) {
    return absl::InvalidArgumentError(
        fmt::format("{}: more than {} bytes, too large for a schema", path, kSchemaBytesMax));
  }
  return ParseSchema(text, path, overrides);
}

}  // namespace throng::cli
