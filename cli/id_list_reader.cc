#include "cli/id_list_reader.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>

#include "cli/byte_source.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

constexpr auto kNpos = std::string_view::npos;
constexpr size_t kHeadBytes = 64 << 10;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
// U+00A0, U+3000 and U+FEFF, besides ASCII.
constexpr std::string_view kWideSpaces[] = {"\xC2\xA0", "\xE3\x80\x80", "\xEF\xBB\xBF"};

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Whether lines end in CR alone in a file that begins with `head`. A CR at the end of a part of the
// file tells nothing: LF may follow.
bool EndsLinesInCr(std::string_view head, bool is_whole_file) {
  if (head.find('\n') != kNpos) return false;
  const size_t first = head.find('\r');
  return first != kNpos && (is_whole_file || first + 1 < head.size());
}

// A source whose beginning was read before; where lines end in CR alone it gives LF for CR. As
// ByteSource.
class HeadSource final : public ByteSource {
 public:
  explicit HeadSource(std::unique_ptr<ByteSource> rest) : rest_(std::move(rest)) {}

  absl::Status ReadHead() {
    head_.resize(kHeadBytes);
    size_t size = 0;
    bool is_whole_file = false;
    while (size < kHeadBytes) {
      const absl::StatusOr<size_t> count = rest_->Read(head_.data() + size, kHeadBytes - size);
      if (!count.ok()) return count.status();
      is_whole_file = *count == 0;
      if (is_whole_file) break;
      size += *count;
      // A line is enough: more may be long in coming.
      if (std::memchr(head_.data(), '\n', size) != nullptr) break;
    }
    head_.resize(size);
    has_cr_ = EndsLinesInCr(head_, is_whole_file);
    if (has_cr_) std::replace(head_.begin(), head_.end(), '\r', '\n');
    return absl::OkStatus();
  }
  std::string_view head() const { return head_; }
  // Whether lines end in CR alone.
  bool has_cr() const { return has_cr_; }

  absl::StatusOr<size_t> Read(char* buffer, size_t size) override {
    if (given_ == head_.size()) {
      const absl::StatusOr<size_t> read = rest_->Read(buffer, size);
      if (read.ok() && has_cr_) std::replace(buffer, buffer + *read, '\r', '\n');
      return read;
    }
    const size_t count = std::min(size, head_.size() - given_);
    std::memcpy(buffer, head_.data() + given_, count);
    given_ += count;
    return count;
  }
  uint64_t bytes_consumed() const override { return rest_->bytes_consumed(); }
  uint64_t bytes_total() const override { return rest_->bytes_total(); }

 private:
  const std::unique_ptr<ByteSource> rest_;
  std::string head_;
  size_t given_ = 0;
  bool has_cr_ = false;
};

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool HasDigit(std::string_view text) { return std::any_of(text.begin(), text.end(), IsDigit); }

bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// "1.38E+10": what a spreadsheet makes of a long number.
bool IsRounded(std::string_view text) {
  const size_t exponent = text.find_first_of("eE");
  if (exponent == kNpos || exponent == 0) return false;
  const std::string_view mantissa = text.substr(0, exponent);
  std::string_view power = text.substr(exponent + 1);
  if (!power.starts_with('+')) return false;
  power.remove_prefix(1);
  return !power.empty() && std::all_of(power.begin(), power.end(), IsDigit) &&
         std::all_of(mantissa.begin(), mantissa.end(),
                     [](char c) { return IsDigit(c) || c == '.' || c == ','; });
}

// Why an id that goes over several lines is none; empty: it does not. An id is trimmed, so that
// what it has of line ends is inside.
std::string_view SeveralLines(std::string_view id) {
  const size_t end = id.find_first_of("\r\n");
  if (end == kNpos) return {};
  return id.find('\n', end) == kNpos ? "an id goes over several lines: do some end in CR alone?"
                                     : "an id goes over several lines: is a quote left open?";
}

// MD5, SHA-1 or SHA-256 in hexadecimal digits, of which some are upper-case letters.
bool IsUpperCaseHash(std::string_view id) {
  if (id.size() != 32 && id.size() != 40 && id.size() != 64) return false;
  return std::all_of(id.begin(), id.end(), IsHexDigit) &&
         std::any_of(id.begin(), id.end(), [](char c) { return c >= 'A' && c <= 'F'; });
}

// Whether it can be nothing but an id: a mail address, a number, a phone number, a hash, a UUID.
bool IsPlainlyAnId(std::string_view text) {
  constexpr auto kHexDigitsMin = 16;
  const size_t at = text.find('@');
  if (at != kNpos) return at > 0 && at + 1 < text.size();
  if (text.find_first_not_of("0123456789+-(). ") == kNpos) return HasDigit(text);
  return text.find_first_not_of("0123456789abcdefABCDEF-") == kNpos &&
         std::count_if(text.begin(), text.end(), IsHexDigit) >= kHexDigitsMin;
}

// The name in lower case without what stands between its words: "E-mail Address" is
// "emailaddress".
std::string SqueezedName(std::string_view name) {
  std::string squeezed = Lower(name);
  std::erase_if(squeezed, [](char c) { return std::string_view(" _-.()").find(c) != kNpos; });
  return squeezed;
}

// Whether the digits of a word are those of a hash's name: "sha256", "SHA-256", "phone-md5".
bool HasDigitsOfHash(std::string_view word) {
  static constexpr std::string_view kHashes[] = {"md5", "sha1", "sha256", "sha512"};
  const std::string name = SqueezedName(word);
  return std::any_of(std::begin(kHashes), std::end(kHashes), [&](std::string_view hash) {
    return name.ends_with(hash) &&
           !HasDigit(std::string_view(name).substr(0, name.size() - hash.size()));
  });
}

// Whether it can be the name of a column: words of letters, also of other scripts, of which those
// with digits name a hash. No mail address, no id with digits.
bool IsColumnName(std::string_view text) {
  constexpr std::string_view kBetweenWords = " _.()";
  bool has_letter = false;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_letter = byte >= 0x80 || std::isalpha(byte) != 0;
    has_letter = has_letter || is_letter;
    if (!is_letter && !IsDigit(c) && c != '-' && kBetweenWords.find(c) == kNpos) return false;
  }
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find_first_of(kBetweenWords));
    if (HasDigit(word) && !HasDigitsOfHash(word)) return false;
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  return has_letter;
}

}  // namespace

std::string_view TrimId(std::string_view text) {
  while (true) {
    const size_t size = text.size();
    while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
    while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
    for (const std::string_view space : kWideSpaces) {
      if (text.starts_with(space)) text.remove_prefix(space.size());
      if (text.ends_with(space)) text.remove_suffix(space.size());
    }
    if (text.size() == size) return text;
  }
}

absl::StatusOr<std::unique_ptr<IdListReader>> IdListReader::Open(const std::string& path,
                                                                 const IdListOptions& options,
                                                                 OnRefused on_refused) {
  absl::StatusOr<std::unique_ptr<ByteSource>> source = OpenByteSource(path);
  if (!source.ok()) return source.status();
  auto head = std::make_unique<HeadSource>(*std::move(source));
  if (const absl::Status read = head->ReadHead(); !read.ok()) return read;
  const std::string_view begin = head->head();
  DelimitedOptions delimited;
  const std::string_view first_line = begin.substr(0, begin.find('\n'));
  delimited.delimiter =
      options.delimiter != '\0' ? options.delimiter : GuessDelimiter(first_line).value_or(',');
  IdListFindings findings;
  findings.has_byte_order_mark = begin.starts_with(kByteOrderMark);
  findings.has_cr = head->has_cr();
  findings.has_crlf = begin.find("\r\n") != kNpos;
  findings.has_quotes = begin.find('"') != kNpos;
  auto reader = std::make_unique<DelimitedReader>(path == "-" ? "standard input" : path,
                                                  std::move(head), delimited);
  std::unique_ptr<IdListReader> list(
      new IdListReader(std::move(reader), options, std::move(on_refused)));
  list->findings_ = std::move(findings);
  if (const absl::Status started = list->Start(); !started.ok()) return started;
  return list;
}

absl::Status IdListReader::Start() {
  const absl::StatusOr<bool> more = reader_->Next();
  if (!more.ok()) return more.status();
  if (!*more) return absl::OkStatus();
  std::vector<std::string> first;
  for (const std::string_view field : reader_->fields()) first.emplace_back(TrimId(field));
  const uint64_t line = reader_->line();
  bool is_header = options_.header == IdListOptions::Header::kYes;
  if (const absl::Status found = FindColumn(first, &is_header); !found.ok()) return found;
  if (reader_->problem().has_value()) {
    Refuse(line, reader_->problem()->reason);
    return absl::OkStatus();
  }
  const std::string cell = column_ < first.size() ? first[column_] : "";
  const bool was_trimmed =
      column_ < first.size() && reader_->fields()[column_].size() != cell.size();
  Row second;
  const absl::StatusOr<bool> has_second = ReadRow(&second);
  if (!has_second.ok()) return has_second.status();
  if (*has_second) ahead_.push_back(second);
  if (!is_header && options_.header == IdListOptions::Header::kFind) {
    is_header = IsHeader(cell, second.id);
  }
  if (is_header) {
    findings_.header = cell;
  } else if (cell.empty()) {
    ++findings_.empty_rows;
  } else if (!RefuseNoId(line, cell)) {
    if (was_trimmed) ++findings_.trimmed;
    ahead_.push_back({.id = cell, .line = line});
  }
  return absl::OkStatus();
}

absl::Status IdListReader::FindColumn(const std::vector<std::string>& first, bool* is_header) {
  const std::string& wanted = options_.column;
  if (wanted.empty()) {
    if (first.size() == 1) return absl::OkStatus();
    std::string names;
    for (size_t i = 0; i < std::min<size_t>(first.size(), 10); ++i) {
      names += fmt::format("{}'{}'", i == 0 ? "" : ", ", first[i]);
    }
    return absl::InvalidArgumentError(
        fmt::format("{}:1: the first line has {} columns ({}): say with --column which one has "
                    "the ids",
                    reader_->name(), first.size(), names));
  }
  size_t number = 0;
  const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
  const bool is_number = error == std::errc() && end == wanted.data() + wanted.size();
  if (is_number && number >= 1 && number <= first.size()) {
    column_ = number - 1;
    return absl::OkStatus();
  }
  const auto named = std::find(first.begin(), first.end(), wanted);
  if (named != first.end() && options_.header != IdListOptions::Header::kNo) {
    column_ = static_cast<size_t>(named - first.begin());
    *is_header = true;
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      fmt::format("{}:1: there is no column \"{}\" among the {} of the first line", reader_->name(),
                  wanted, first.size()));
}

// The name of the type or a usual one; or what can be a name where ids can be nothing but ids.
bool IdListReader::IsHeader(std::string_view first, std::string_view second) const {
  static constexpr std::string_view kUsual[] = {
      "id",     "ids",         "uid",          "user",        "users", "userid", "phone",
      "mobile", "phonenumber", "mobilenumber", "email",       "mail",  "device", "deviceid",
      "openid", "unionid",     "emailaddress", "mailaddress", "hash",  "md5",    "sha1",
      "sha256", "memberid",    "customerid",   "手机号",      "用户id"};
  const std::string name = SqueezedName(first);
  if (!name.empty() && name == SqueezedName(options_.id_type)) return true;
  if (std::find(std::begin(kUsual), std::end(kUsual), name) != std::end(kUsual)) return true;
  return IsPlainlyAnId(second) && !IsPlainlyAnId(first) && IsColumnName(first);
}

absl::StatusOr<bool> IdListReader::ReadRow(Row* row) {
  while (true) {
    const absl::StatusOr<bool> more = reader_->Next();
    if (!more.ok() || !*more) return more;
    if (reader_->problem().has_value()) {
      Refuse(reader_->problem()->line, reader_->problem()->reason);
      continue;
    }
    const std::string_view cell = reader_->fields()[column_];
    const std::string_view id = TrimId(cell);
    if (id.empty()) {
      ++findings_.empty_rows;
      continue;
    }
    if (RefuseNoId(reader_->line(), id)) continue;
    if (id.size() != cell.size()) ++findings_.trimmed;
    row->id.assign(id);
    row->line = reader_->line();
    return true;
  }
}

absl::StatusOr<bool> IdListReader::Next() {
  if (!ahead_.empty()) {
    row_ = std::move(ahead_.back());
    ahead_.pop_back();
  } else {
    const absl::StatusOr<bool> more = ReadRow(&row_);
    if (!more.ok() || !*more) return more;
  }
  ++findings_.rows;
  if (IsUpperCaseHash(row_.id)) ++findings_.upper_case_hashes;
  id_ = row_.id;
  line_ = row_.line;
  return true;
}

double IdListReader::fraction_read() const {
  const ByteSource& source = reader_->source();
  if (source.bytes_total() == 0) return -1;
  return static_cast<double>(source.bytes_consumed()) / static_cast<double>(source.bytes_total());
}

bool IdListReader::RefuseNoId(uint64_t line, std::string_view id) {
  const std::string_view several_lines = SeveralLines(id);
  if (!several_lines.empty()) {
    Refuse(line, several_lines);
    return true;
  }
  if (!IsRounded(id)) return false;
  Refuse(line, fmt::format("'{}' is a number that a spreadsheet has rounded", id));
  return true;
}

void IdListReader::Refuse(uint64_t line, std::string_view why) {
  ++findings_.refused;
  if (on_refused_) on_refused_(line, why);
}

}  // namespace throng::cli
