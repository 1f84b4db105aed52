// Feeds arbitrary bytes to the reader of delimited files, in two ways of cutting them into pieces:
// both must give the same records, and no input may crash, hang or take unbounded memory.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "cli/delimited_reader.h"
#include "cli/text_check.h"

namespace {

using throng::cli::ByteSource;
using throng::cli::DelimitedOptions;
using throng::cli::DelimitedReader;

class PieceSource final : public ByteSource {
 public:
  PieceSource(std::string text, size_t piece) : text_(std::move(text)), piece_(piece) {}
  absl::StatusOr<size_t> Read(char* buffer, size_t size) override {
    const size_t count = std::min({size, piece_, text_.size() - position_});
    text_.copy(buffer, count, position_);
    position_ += count;
    return count;
  }
  uint64_t bytes_consumed() const override { return position_; }
  uint64_t bytes_total() const override { return text_.size(); }

 private:
  const std::string text_;
  const size_t piece_;
  size_t position_ = 0;
};

// Everything a caller can see, as one text.
std::string Transcript(const std::string& text, const DelimitedOptions& options, size_t piece) {
  DelimitedReader reader("f", std::make_unique<PieceSource>(text, piece), options);
  std::string seen;
  while (true) {
    const absl::StatusOr<bool> more = reader.Next();
    if (!more.ok()) return seen + std::string(more.status().message());
    if (!*more) return seen;
    seen += std::to_string(reader.line()) + ':';
    for (const std::string_view field : reader.fields()) {
      seen += std::to_string(field.size()) + ',';
      seen += field;
      if (!reader.problem() && throng::cli::FindInvalidText(field) != field.npos) std::abort();
    }
    if (reader.problem()) seen += '!' + reader.problem()->reason;
    seen += '\n';
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  constexpr char kDelimiters[] = {',', ';', '\t', '|'};
  constexpr char kQuotes[] = {'"', '\'', '\0'};
  const DelimitedOptions options = {.delimiter = kDelimiters[data[0] % 4],
                                    .quote = kQuotes[data[0] / 4 % 3],
                                    .record_bytes_max = 256,
                                    .field_bytes_max = 100,
                                    .fields_max = 20};
  const std::string text(reinterpret_cast<const char*>(data + 2), size - 2);
  const std::string whole = Transcript(text, options, text.size() + 1);
  const std::string pieces = Transcript(text, options, 1 + data[1] % 16);
  if (whole != pieces) std::abort();
  return 0;
}
