#include "cli/delimited_reader.h"

#include <random>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/file_fixture.h"

namespace throng::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Record = std::vector<std::string>;

// Gives a text in pieces of a few bytes, as a pipe may.
class TextSource final : public ByteSource {
 public:
  TextSource(std::string text, size_t piece) : text_(std::move(text)), piece_(piece) {}
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

struct Outcome {
  std::vector<Record> records;
  std::vector<uint64_t> lines;
  std::vector<std::string> problems;  // "LINE: reason"
  absl::Status status;
};

Outcome ReadAll(DelimitedReader& reader) {
  Outcome outcome;
  while (true) {
    const absl::StatusOr<bool> more = reader.Next();
    if (!more.ok()) outcome.status = more.status();
    if (!more.ok() || !*more) return outcome;
    outcome.records.emplace_back(reader.fields().begin(), reader.fields().end());
    outcome.lines.push_back(reader.line());
    if (reader.problem()) {
      outcome.problems.push_back(
          fmt::format("{}: {}", reader.problem()->line, reader.problem()->reason));
    }
  }
}

Outcome ReadText(std::string text, const DelimitedOptions& options = {}, size_t piece = 1 << 20) {
  DelimitedReader reader("x.csv", std::make_unique<TextSource>(std::move(text), piece), options);
  return ReadAll(reader);
}

Outcome ReadPath(const std::string& path, const DelimitedOptions& options = {}) {
  absl::StatusOr<std::unique_ptr<DelimitedReader>> reader = DelimitedReader::Open(path, options);
  if (!reader.ok())
    return Outcome{.records = {}, .lines = {}, .problems = {}, .status = reader.status()};
  return ReadAll(**reader);
}

TEST(DelimitedReaderTest, ReadsEveryWayOfWritingARecord) {
  struct Case {
    std::string text;
    std::vector<Record> records;
    std::vector<uint64_t> lines;
  };
  const Case cases[] = {
      {"", {}, {}},
      {"a", {{"a"}}, {1}},
      {"a,b\n1,2\n", {{"a", "b"}, {"1", "2"}}, {1, 2}},
      {"a,b\r\n1,2\r\n", {{"a", "b"}, {"1", "2"}}, {1, 2}},
      {"a,b\n1,2", {{"a", "b"}, {"1", "2"}}, {1, 2}},
      {"a,b\n1,2\r", {{"a", "b"}, {"1", "2"}}, {1, 2}},
      {"a,b\n,\n", {{"a", "b"}, {"", ""}}, {1, 2}},
      {"\xEF\xBB\xBF\"a\",b\n1,2\n", {{"a", "b"}, {"1", "2"}}, {1, 2}},
      {"a,b\n\"1\",\"2\"\n", {{"a", "b"}, {"1", "2"}}, {1, 2}},
      {"a,b\r\n\"1\",\"2\"\r\n", {{"a", "b"}, {"1", "2"}}, {1, 2}},
      {"a,b\n\"1\",\"2\"", {{"a", "b"}, {"1", "2"}}, {1, 2}},
      {"a,b\n\"1\",\"2\"\r", {{"a", "b"}, {"1", "2"}}, {1, 2}},
      {"a,b\n\"x,y\",\"\"\n", {{"a", "b"}, {"x,y", ""}}, {1, 2}},
      {"a,b\n\"say \"\"hi\"\"\",\"\"\"\"\n", {{"a", "b"}, {"say \"hi\"", "\""}}, {1, 2}},
      {"a,b\n\"two\nlines\",2\n3,4\n", {{"a", "b"}, {"two\nlines", "2"}, {"3", "4"}}, {1, 2, 4}},
      {"a,b\n\"two\r\nlines\",2\n", {{"a", "b"}, {"two\r\nlines", "2"}}, {1, 2}},
      {"a,b\n5\" pipe,x\"y\n", {{"a", "b"}, {"5\" pipe", "x\"y"}}, {1, 2}},
      {"a,b\n\n1,2\n\r\n\n", {{"a", "b"}, {"1", "2"}}, {1, 3}},
      {"a\n\n1\n", {{"a"}, {""}, {"1"}}, {1, 2, 3}},
      {"a,b\n,\"x\"\n\"\",\n", {{"a", "b"}, {"", "x"}, {"", ""}}, {1, 2, 3}},
      {"ü,日本\n\xF0\x9F\x8F\xA0,2\n", {{"ü", "日本"}, {"\xF0\x9F\x8F\xA0", "2"}}, {1, 2}},
  };
  for (const Case& c : cases) {
    for (const size_t piece : {size_t{1}, size_t{3}, size_t{1000}}) {
      const Outcome outcome = ReadText(c.text, {}, piece);
      EXPECT_TRUE(outcome.status.ok()) << outcome.status;
      EXPECT_EQ(outcome.records, c.records) << c.text;
      EXPECT_EQ(outcome.lines, c.lines) << c.text;
      EXPECT_THAT(outcome.problems, ElementsAre()) << c.text;
    }
  }
}

TEST(DelimitedReaderTest, TakesAnyDelimiterAndNoQuotes) {
  EXPECT_THAT(ReadText("a;b\n1,5;\"x;y\"\n", {.delimiter = ';'}).records,
              ElementsAre(Record{"a", "b"}, Record{"1,5", "x;y"}));
  EXPECT_THAT(ReadText("a\tb\n1\t\"x\n", {.delimiter = '\t', .quote = '\0'}).records,
              ElementsAre(Record{"a", "b"}, Record{"1", "\"x"}));
  EXPECT_THAT(ReadText("a|b\n'1|2'|'it''s'\n", {.delimiter = '|', .quote = '\''}).records,
              ElementsAre(Record{"a", "b"}, Record{"1|2", "it's"}));
  const auto reader = DelimitedReader::Open("x.csv", {.delimiter = '"'});
  EXPECT_EQ(reader.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(DelimitedReaderTest, NamesTheProblemOfARecordAndReadsOn) {
  struct Case {
    std::string text;
    std::string problem;
    size_t records;
  };
  const Case cases[] = {
      {"a,b\n1\n3,4\n", "2: 1 fields where the first line has 2", 3},
      {"a,b\n1,2,3\n3,4\n", "2: 3 fields where the first line has 2", 3},
      {"a,b\n1,2\n3",
       "3: 1 fields where the first line has 2; the file ends here without a line "
       "end: was it cut off?",
       3},
      {"a,b\n1,caf\xE9\n3,4\n", "2: not UTF-8: byte 0xE9 at line 2, column 6", 3},
      {"a,b\n\xC3\xBC,\xC0\xAF\n3,4\n", "2: not UTF-8: byte 0xC0 at line 2, column 3", 3},
      {"a,b\n\"x\ny\xFF\",2\n3,4\n", "3: not UTF-8: byte 0xFF at line 3, column 2", 3},
      {std::string("a,b\n1,\0\n3,4\n", 12), "2: NUL byte at line 2, column 3", 3},
      {"a,b\n\"1\"x,2\n3,4\n", "2: text follows the closing quote", 3},
      {"a,b\n\"1\" ,2\n3,4\n", "2: text follows the closing quote", 3},
  };
  for (const Case& c : cases) {
    for (const size_t piece : {size_t{1}, size_t{1000}}) {
      const Outcome outcome = ReadText(c.text, {}, piece);
      EXPECT_TRUE(outcome.status.ok()) << outcome.status;
      EXPECT_EQ(outcome.records.size(), c.records) << c.text;
      EXPECT_THAT(outcome.problems, ElementsAre(c.problem));
    }
  }
}

TEST(DelimitedReaderTest, RefusesWhatCannotBeReadOn) {
  struct Case {
    std::string text;
    absl::StatusCode code;
    std::string message;
  };
  const Case cases[] = {
      {"a,b\n1,2\n3,\"x\n5,6\n7,8\n", absl::StatusCode::kDataLoss,
       "x.csv:3: the file ends in the middle: the quote that opens on this line is never closed"},
      {"a,b\n\"x\ny\",\"z\n", absl::StatusCode::kDataLoss, "x.csv:3: the file ends in the middle"},
      {"\xFF\xFE\x61", absl::StatusCode::kInvalidArgument, "UTF-16"},
      {"\x1F\x8B\x08", absl::StatusCode::kInvalidArgument, "ends in .gz"},
  };
  for (const Case& c : cases) {
    const Outcome outcome = ReadText(c.text);
    EXPECT_EQ(outcome.status.code(), c.code) << outcome.status;
    EXPECT_THAT(std::string(outcome.status.message()), HasSubstr(c.message));
  }
}

TEST(DelimitedReaderTest, BoundsTheLengthOfARecord) {
  const DelimitedOptions options = {.record_bytes_max = 1000, .field_bytes_max = 900};
  const std::string fits =
      "a,b\n" + std::string(500, 'x') + "," + std::string(499, 'y') + "\r\n1,2\n";
  EXPECT_EQ(ReadText(fits, options).records.size(), 3);
  EXPECT_TRUE(ReadText(fits, options).problems.empty());
  const Outcome line = ReadText("a,b\n1,2\n3," + std::string(5000, 'x') + "\n5,6\n", options);
  EXPECT_EQ(line.status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(line.status.message(), "x.csv:3: the line is longer than 1000 bytes");
  const Outcome quote = ReadText("a,b\n1,2\n3,\"" + std::string(5000, '\n'), options);
  EXPECT_EQ(quote.status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(quote.status.message()),
              HasSubstr("x.csv:3: the record that starts on this line is longer than 1000 bytes; "
                        "is the quote that opens on line 3 left open?"));
  const Outcome field = ReadText("a,b\n1," + std::string(901, 'x') + "\n", options);
  EXPECT_THAT(field.problems, ElementsAre("2: the field has 901 bytes, more than 900"));
  const Outcome fields = ReadText("a,b\n1,2,3,4\n", {.fields_max = 3});
  EXPECT_THAT(fields.problems, ElementsAre("2: the record has more than 3 fields"));
}

TEST(DelimitedReaderTest, ReadsGzipOfOneAndOfSeveralMembers) {
  const TemporaryDirectory directory;
  const std::string text = "a,b\n1,2\n3,4\n";
  const std::vector<Record> records = {{"a", "b"}, {"1", "2"}, {"3", "4"}};
  EXPECT_EQ(ReadPath(directory.Write("x.csv.gz", Gzip(text))).records, records);
  EXPECT_EQ(
      ReadPath(directory.Write("y.csv.gz", Gzip(text.substr(0, 6)) + Gzip(text.substr(6)))).records,
      records);
}

TEST(DelimitedReaderTest, RefusesDamagedGzip) {
  const TemporaryDirectory directory;
  std::mt19937 random(7);
  std::string text = "a,b\n";
  for (int i = 0; i < 50'000; ++i) text += fmt::format("{},{}\n", random(), random());
  const std::string packed = Gzip(text);
  const Outcome cut = ReadPath(directory.Write("cut.csv.gz", packed.substr(0, packed.size() / 2)));
  EXPECT_EQ(cut.status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(cut.status.message()), HasSubstr("the file ends in the middle"));
  // Only the checksum is missing.
  const Outcome tail =
      ReadPath(directory.Write("tail.csv.gz", packed.substr(0, packed.size() - 3)));
  EXPECT_EQ(tail.status.code(), absl::StatusCode::kDataLoss);
  std::string damaged = packed;
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
  EXPECT_EQ(ReadPath(directory.Write("bad.csv.gz", damaged)).status.code(),
            absl::StatusCode::kDataLoss);
  const Outcome plain = ReadPath(directory.Write("plain.csv.gz", text));
  EXPECT_THAT(std::string(plain.status.message()), HasSubstr("it is not a gzip file"));
}

TEST(DelimitedReaderTest, NamesAFileThatCannotBeOpened) {
  const TemporaryDirectory directory;
  const Outcome missing = ReadPath(directory.Path("none.csv"));
  EXPECT_EQ(missing.status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.status.message()), HasSubstr("none.csv: cannot open"));
  EXPECT_THAT(std::string(ReadPath(directory.Path(".")).status.message()), HasSubstr("directory"));
}

// What is written by the rules is read back, whatever the size of the pieces it comes in.
TEST(DelimitedReaderTest, ReadsBackRandomFiles) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937 random(seed);
  const std::string alphabet = "ab,\"\n\r;x";
  for (int round = 0; round < 300; ++round) {
    const size_t columns = 2 + random() % 4;
    std::vector<Record> records;
    std::string text;
    for (size_t row = 0; row < 1 + random() % 20; ++row) {
      Record record;
      for (size_t column = 0; column < columns; ++column) {
        std::string field;
        for (size_t i = random() % 6; i > 0; --i) field += alphabet[random() % alphabet.size()];
        std::string quoted;
        for (const char c : field) quoted += c == '"' ? "\"\"" : std::string(1, c);
        const bool plain = field.find_first_of(",\"\n\r") == std::string::npos;
        text +=
            (column == 0 ? "" : ",") + (plain && random() % 2 == 0 ? field : '"' + quoted + '"');
        record.push_back(field);
      }
      text += random() % 2 == 0 ? "\n" : "\r\n";
      records.push_back(record);
    }
    const Outcome outcome = ReadText(text, {.record_bytes_max = 200}, 1 + random() % 50);
    ASSERT_TRUE(outcome.status.ok()) << outcome.status << "\n" << text;
    ASSERT_EQ(outcome.records, records) << text;
    ASSERT_TRUE(outcome.problems.empty()) << outcome.problems[0] << "\n" << text;
  }
}

// Plain records are split eight bytes at a time: fields of every length at every place, with bytes
// that differ from a delimiter in one bit, the highest among them.
TEST(DelimitedReaderTest, SplitsPlainRecordsLikeASearchForEachDelimiter) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937 random(seed);
  for (const char delimiter : {',', '\t', '|', '\x01'}) {
    const std::vector<std::string> pieces = {"€", "\xCE\x89", "\xC3\xBC", "\xC2\x81", "-",
                                             "+", "(",        "h",        "l",        "\x08",
                                             "a", "\x02",     "~",        "\x7F"};
    for (int round = 0; round < 500; ++round) {
      Record record;
      std::string text;
      for (size_t column = 0; column < 1 + random() % 30; ++column) {
        std::string field = column == 0 ? "x" : "";
        for (size_t i = random() % 20; i > 0; --i) field += pieces[random() % pieces.size()];
        if (column > 0) text += delimiter;
        text += field;
        record.push_back(field);
      }
      const Outcome outcome = ReadText(text + "\n", {.delimiter = delimiter});
      ASSERT_EQ(outcome.records, std::vector<Record>{record}) << text;
      ASSERT_TRUE(outcome.problems.empty()) << outcome.problems[0];
    }
  }
}

TEST(GuessDelimiterTest, CountsOutsideQuotes) {
  EXPECT_EQ(GuessDelimiter("a;b;c"), ';');
  EXPECT_EQ(GuessDelimiter("\"a,b,c\"\tx"), '\t');
  EXPECT_EQ(GuessDelimiter("abc"), std::nullopt);
  EXPECT_EQ(DelimiterName('\t'), "tab");
  EXPECT_EQ(DelimiterName(';'), "';'");
}

}  // namespace
}  // namespace throng::cli
