#include "cli/delimited_reader.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "cli/text_check.h"
#include "fmt/format.h"

namespace throng::cli {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;
constexpr uint64_t kEachByte = 0x0101010101010101;
constexpr uint64_t kLowBits = 0x7F7F7F7F7F7F7F7F;  // of each byte
static_assert(std::endian::native == std::endian::little, "the first byte has the lowest bits");

const char* Find(const char* begin, const char* end, char wanted) {
  return static_cast<const char*>(std::memchr(begin, wanted, static_cast<size_t>(end - begin)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<DelimitedReader>> DelimitedReader::Open(
    const std::string& path, const DelimitedOptions& options) {
  const char d = options.delimiter;
  if (d == '\0' || d == '\n' || d == '\r' || d == options.quote || (d & 0x80) != 0) {
    return absl::InvalidArgumentError(
        "the delimiter must be one ASCII character, not the quote or a line end");
  }
  absl::StatusOr<std::unique_ptr<ByteSource>> source = OpenByteSource(path);
  if (!source.ok()) return source.status();
  return std::make_unique<DelimitedReader>(path == "-" ? "standard input" : path,
                                           *std::move(source), options);
}

DelimitedReader::DelimitedReader(std::string name, std::unique_ptr<ByteSource> source,
                                 const DelimitedOptions& options)
    : name_(std::move(name)), source_(std::move(source)), options_(options) {
  buffer_.resize(std::min(kBufferBytes, options_.record_bytes_max + 2));
  begin_ = next_ = end_ = buffer_.data();
}

// Makes room and reads until the buffer is full or the source ends; keeps [begin_, end_).
absl::Status DelimitedReader::Fill() {
  const size_t held = static_cast<size_t>(end_ - begin_);
  if (begin_ != buffer_.data()) std::memmove(buffer_.data(), begin_, held);
  if (held == buffer_.size()) {
    // Two bytes more than a record may have, so that its line end fits too.
    buffer_.resize(std::min(buffer_.size() * 2, options_.record_bytes_max + 2));
  }
  begin_ = buffer_.data();
  end_ = begin_ + held;
  char* const room_end = buffer_.data() + buffer_.size();
  while (end_ != room_end && !at_end_) {
    absl::StatusOr<size_t> count = source_->Read(end_, static_cast<size_t>(room_end - end_));
    if (!count.ok()) return count.status();
    if (*count == 0) at_end_ = true;
    end_ += *count;
  }
  return absl::OkStatus();
}

absl::Status DelimitedReader::Start() {
  started_ = true;
  if (absl::Status status = Fill(); !status.ok()) return status;
  next_ = begin_;
  const std::string_view head(begin_, static_cast<size_t>(end_ - begin_));
  if (head.starts_with("\xEF\xBB\xBF")) next_ = begin_ + 3;
  if (head.starts_with("\xFF\xFE") || head.starts_with("\xFE\xFF")) {
    return absl::InvalidArgumentError(
        fmt::format("{}: the file is UTF-16; it must be UTF-8", name_));
  }
  if (head.starts_with("\x1F\x8B")) {
    return absl::InvalidArgumentError(
        fmt::format("{}: the file is packed with gzip; give it a name that ends in .gz", name_));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> DelimitedReader::Next() {
  if (!started_) {
    if (absl::Status status = Start(); !status.ok()) return status;
  }
  do {
    problem_.reset();
    fields_.clear();
    begin_ = next_;
    line_ = next_line_;
    absl::StatusOr<bool> found = FindRecord();
    if (!found.ok() || !*found) return found;
  } while (fields_.size() == 1 && fields_[0].empty() && fields_expected_ > 1);
  CheckShape();
  return true;
}

// Finds the end of the record at begin_, splits and checks it.
absl::StatusOr<bool> DelimitedReader::FindRecord() {
  size_t searched = 0;
  while (true) {
    const char* line_end = Find(begin_ + searched, end_, '\n');
    const char* const stop = line_end == nullptr ? end_ : line_end;
    const bool quoted = options_.quote != '\0' && Find(begin_, stop, options_.quote) != nullptr;
    Scan outcome = Scan::kNeedsMore;
    if (quoted) {
      if (line_end != nullptr || at_end_) outcome = ScanQuoted();
    } else if (line_end != nullptr || at_end_) {
      if (begin_ == end_) return false;
      has_line_end_ = line_end != nullptr;
      next_ = begin_ + (stop - begin_) + (has_line_end_ ? 1 : 0);
      ++next_line_;
      const char* text_end = stop;
      if (text_end != begin_ && text_end[-1] == '\r') --text_end;
      CheckText(begin_, text_end);
      SplitPlain(begin_, text_end);
      outcome = Scan::kRecord;
    }
    if (outcome == Scan::kRecord) {
      if (static_cast<size_t>(next_ - begin_) > options_.record_bytes_max + 2) {
        return RecordTooLong();
      }
      return true;
    }
    if (outcome == Scan::kUnterminated) {
      return absl::DataLossError(fmt::format(
          "{}:{}: the file ends in the middle: the quote that opens on this line is never closed",
          name_, open_quote_line_));
    }
    // For plain text the search goes on where it stopped; quotes are scanned anew, which is
    // linear all the same because the buffer doubles.
    searched = quoted ? 0 : static_cast<size_t>(end_ - begin_);
    if (static_cast<size_t>(end_ - begin_) >= options_.record_bytes_max + 2) {
      return RecordTooLong();
    }
    if (absl::Status status = Fill(); !status.ok()) return status;
  }
}

absl::Status DelimitedReader::RecordTooLong() const {
  if (open_quote_line_ >= line_) {
    return absl::ResourceExhaustedError(fmt::format(
        "{}:{}: the record that starts on this line is longer than {} bytes; is the quote that "
        "opens on line {} left open?",
        name_, line_, options_.record_bytes_max, open_quote_line_));
  }
  return absl::ResourceExhaustedError(fmt::format("{}:{}: the line is longer than {} bytes", name_,
                                                  line_, options_.record_bytes_max));
}

void DelimitedReader::AddField(const char* begin, const char* end) {
  const size_t size = static_cast<size_t>(end - begin);
  if (size > options_.field_bytes_max) {
    SetProblem(fmt::format("the field has {} bytes, more than {}", size, options_.field_bytes_max),
               fields_.size(), line_);
  }
  if (fields_.size() < options_.fields_max) {
    fields_.emplace_back(begin, size);
  } else {
    SetProblem(fmt::format("the record has more than {} fields", options_.fields_max),
               RecordProblem::kWholeRecord, line_);
  }
}

// Fields are short, so that delimiters are looked for in eight bytes at a time, all of them at
// once.
void DelimitedReader::SplitPlain(const char* begin, const char* end) {
  const uint64_t wanted = kEachByte * static_cast<unsigned char>(options_.delimiter);
  const char* at = begin;
  for (; end - at >= 8; at += 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    word ^= wanted;
    // The high bit of each byte that is 0 now, and no other.
    uint64_t found = ~(((word & kLowBits) + kLowBits) | word | kLowBits);
    for (; found != 0; found &= found - 1) {
      const char* const stop = at + std::countr_zero(found) / 8;
      AddField(begin, stop);
      begin = stop + 1;
    }
  }
  for (; at != end; ++at) {
    if (*at != options_.delimiter) continue;
    AddField(begin, at);
    begin = at + 1;
  }
  AddField(begin, end);
}

// Reads the quoted field at `position`, leaves `position` after its closing quote and what may
// wrongly follow it. False: the scan is over with `outcome`.
bool DelimitedReader::ScanQuotedField(const char*& position, Scan& outcome) {
  const char quote = options_.quote;
  const char* const start = position + 1;
  const char* close = start;
  bool doubled = false;
  while (true) {
    close = Find(close, end_, quote);
    if (close == nullptr || (close + 1 == end_ && !at_end_)) {
      open_quote_line_ = line_ + static_cast<uint64_t>(
                                     std::count(static_cast<const char*>(begin_), position, '\n'));
      outcome = at_end_ ? Scan::kUnterminated : Scan::kNeedsMore;
      return false;
    }
    if (close + 1 == end_ || close[1] != quote) break;
    doubled = true;
    close += 2;
  }
  if (doubled) doubled_.push_back(fields_.size());
  const size_t field = fields_.size();
  AddField(start, close);
  position = close + 1;
  const char* const after = position;
  while (position != end_ && *position != options_.delimiter && *position != '\n') ++position;
  if (position == end_ && !at_end_) {
    outcome = Scan::kNeedsMore;
    return false;
  }
  const bool line_end_follows = position == after || (position == after + 1 && *after == '\r' &&
                                                      (position == end_ || *position == '\n'));
  if (!line_end_follows) {
    SetProblem("text follows the closing quote", field, line_);
  }
  return true;
}

// Splits the record at begin_, which has quotes.
DelimitedReader::Scan DelimitedReader::ScanQuoted() {
  fields_.clear();
  doubled_.clear();
  problem_.reset();
  const char* position = begin_;
  while (true) {
    if (position != end_ && *position == options_.quote) {
      Scan outcome = Scan::kRecord;
      if (!ScanQuotedField(position, outcome)) return outcome;
    } else {
      const char* const start = position;
      while (position != end_ && *position != options_.delimiter && *position != '\n') ++position;
      if (position == end_ && !at_end_) return Scan::kNeedsMore;
      const bool last = position == end_ || *position == '\n';
      const bool carriage_return = last && position != start && position[-1] == '\r';
      AddField(start, carriage_return ? position - 1 : position);
    }
    if (position == end_ || *position == '\n') break;
    ++position;
  }
  has_line_end_ = position != end_;
  next_ = begin_ + (position - begin_) + (has_line_end_ ? 1 : 0);
  next_line_ = line_ + 1 +
               static_cast<uint64_t>(std::count(static_cast<const char*>(begin_), position, '\n'));
  open_quote_line_ = 0;
  CheckText(begin_, position);
  Unescape();
  return Scan::kRecord;
}

// Makes one quote of two, in place: the record's own text is not needed any more.
void DelimitedReader::Unescape() {
  for (const size_t index : doubled_) {
    if (index >= fields_.size()) continue;
    const std::string_view field = fields_[index];
    char* const start = begin_ + (field.data() - begin_);
    char* out = start;
    for (size_t i = 0; i < field.size(); ++i) {
      *out++ = field[i];
      if (field[i] == options_.quote) ++i;
    }
    fields_[index] = std::string_view(start, static_cast<size_t>(out - start));
  }
}

void DelimitedReader::CheckText(const char* begin, const char* end) {
  const std::string_view text(begin, static_cast<size_t>(end - begin));
  const size_t bad = FindInvalidText(text);
  if (bad == std::string_view::npos) return;
  const std::string_view before = text.substr(0, bad);
  const size_t newline = before.rfind('\n');
  const std::string_view same_line = newline == before.npos ? before : before.substr(newline + 1);
  const uint64_t line =
      line_ + static_cast<uint64_t>(std::count(before.begin(), before.end(), '\n'));
  const size_t column = CountCodePoints(same_line) + 1;
  problem_.reset();  // this one comes first in the text and explains the others
  if (text[bad] == '\0') {
    SetProblem(fmt::format("NUL byte at line {}, column {}", line, column),
               RecordProblem::kWholeRecord, line);
  } else {
    SetProblem(fmt::format("not UTF-8: byte 0x{:02X} at line {}, column {}",
                           static_cast<unsigned char>(text[bad]), line, column),
               RecordProblem::kWholeRecord, line);
  }
}

// Compares the number of fields with the first record's.
void DelimitedReader::CheckShape() {
  if (fields_expected_ == 0) {
    fields_expected_ = fields_.size();
    return;
  }
  if (fields_.size() == fields_expected_) return;
  std::string reason =
      fmt::format("{} fields where the first line has {}", fields_.size(), fields_expected_);
  if (!has_line_end_) reason += "; the file ends here without a line end: was it cut off?";
  SetProblem(std::move(reason), RecordProblem::kWholeRecord, line_);
}

void DelimitedReader::SetProblem(std::string reason, size_t field, uint64_t line) {
  if (problem_) return;  // the first one
  problem_ = RecordProblem{.reason = std::move(reason), .field = field, .line = line};
}

std::optional<char> GuessDelimiter(std::string_view line) {
  constexpr std::array<char, 4> kCandidates = {',', ';', '\t', '|'};
  std::array<size_t, 4> counts = {};
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    for (size_t i = 0; i < kCandidates.size(); ++i) counts[i] += c == kCandidates[i] ? 1 : 0;
  }
  const auto best = std::max_element(counts.begin(), counts.end());
  if (*best == 0) return std::nullopt;
  return kCandidates[static_cast<size_t>(best - counts.begin())];
}

std::string DelimiterName(char delimiter) {
  if (delimiter == '\t') return "tab";
  return fmt::format("'{}'", delimiter);
}

}  // namespace throng::cli
