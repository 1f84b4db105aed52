// Lists of ids as people have them.
#include "cli/id_list_reader.h"

#include <string>
#include <utility>
#include <vector>

#include "cli/id_frames.h"
#include "gtest/gtest.h"
#include "tests/cli/file_fixture.h"

namespace throng::cli {
namespace {

using Ids = std::vector<std::pair<uint64_t, std::string>>;  // line, id

class IdListReaderTest : public ::testing::Test {
 protected:
  // The ids of a file with `content`; `findings_` and `refused_` have the rest.
  Ids Read(const std::string& content, const IdListOptions& options = {}) {
    refused_.clear();
    auto reader = IdListReader::Open(files_.Write("ids.csv", content), options,
                                     [&](uint64_t line, std::string_view why) {
                                       refused_.emplace_back(line, std::string(why));
                                     });
    EXPECT_TRUE(reader.ok()) << reader.status();
    Ids ids;
    if (!reader.ok()) return ids;
    while (true) {
      const absl::StatusOr<bool> more = (*reader)->Next();
      EXPECT_TRUE(more.ok()) << more.status();
      if (!more.ok() || !*more) break;
      ids.emplace_back((*reader)->line(), std::string((*reader)->id()));
    }
    findings_ = (*reader)->findings();
    EXPECT_EQ(findings_.rows, ids.size());
    EXPECT_EQ(findings_.refused, refused_.size());
    return ids;
  }
  std::string OpenError(const std::string& content, const IdListOptions& options = {}) {
    const auto reader = IdListReader::Open(files_.Write("ids.csv", content), options, {});
    EXPECT_FALSE(reader.ok());
    return std::string(reader.status().message());
  }

  TemporaryDirectory files_;
  IdListFindings findings_;
  Ids refused_;
};

TEST_F(IdListReaderTest, APlainListIsRead) {
  EXPECT_EQ(Read("u1\nu2\nu3"), (Ids{{1, "u1"}, {2, "u2"}, {3, "u3"}}));
  EXPECT_EQ(findings_.header, std::nullopt);
  EXPECT_FALSE(findings_.has_crlf || findings_.has_quotes || findings_.has_byte_order_mark);
  EXPECT_EQ(Read(""), Ids{});
  EXPECT_EQ(Read("u1"), (Ids{{1, "u1"}}));
  EXPECT_EQ(Read("\n\n"), Ids{});
  EXPECT_EQ(findings_.empty_rows, 2u);
}

TEST_F(IdListReaderTest, WhatEditorsDoIsPassedOver) {
  const Ids ids = Read(
      "\xEF\xBB\xBF 138 \r\n\r\n\"139\"\r\n\t\r\n\xC2\xA0"
      "140\xE3\x80\x80\r\n");
  EXPECT_EQ(ids, (Ids{{1, "138"}, {3, "139"}, {5, "140"}}));
  EXPECT_EQ(findings_.empty_rows, 2u);
  EXPECT_EQ(findings_.trimmed, 2u);
  EXPECT_TRUE(findings_.has_byte_order_mark);
  EXPECT_TRUE(findings_.has_crlf);
  EXPECT_TRUE(findings_.has_quotes);
}

TEST_F(IdListReaderTest, AHeaderIsFound) {
  using Header = IdListOptions::Header;
  struct Case {
    std::string content;
    IdListOptions options;
    std::optional<std::string> header;
    Ids ids;
  };
  const Case cases[] = {
      {"user_id\nu1\n", {}, "user_id", {{2, "u1"}}},
      {"Phone\n138\n", {}, "Phone", {{2, "138"}}},
      {"手机号\n138\n", {}, "手机号", {{2, "138"}}},
      {"guest no\n17\n", {}, "guest no", {{2, "17"}}},
      {"imei\nab\n", {.id_type = "IMEI"}, "imei", {{2, "ab"}}},
      {"ann\nbob\n", {}, std::nullopt, {{1, "ann"}, {2, "bob"}}},
      {"u1\nu2\n", {}, std::nullopt, {{1, "u1"}, {2, "u2"}}},
      {"alice@example.com\nbob99@example.com\n",
       {},
       std::nullopt,
       {{1, "alice@example.com"}, {2, "bob99@example.com"}}},
      {"id\n17\n", {.header = Header::kNo}, std::nullopt, {{1, "id"}, {2, "17"}}},
      {"17\n18\n", {.header = Header::kYes}, "17", {{2, "18"}}},
      {"ann\n", {}, std::nullopt, {{1, "ann"}}},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Read(c.content, c.options), c.ids) << c.content;
    EXPECT_EQ(findings_.header, c.header) << c.content;
  }
}

TEST_F(IdListReaderTest, NamesOfColumnsAreTold) {
  const std::string hash(64, 'a');
  struct Case {
    std::string first;
    std::string second;
    bool is_header;
  };
  const Case cases[] = {
      {"email_address", "bob99@example.com", true},
      {"E-mail", "bob@example.com", true},
      {"Email Address", "bob@example.com", true},
      {"contact", "bob@example.com", true},
      {"联系邮箱", "bob@example.com", true},
      {"user-id", "u17", true},
      {"User ID", "u17", true},
      {"Phone (mobile)", "+86 138-0000-1111", true},
      {"tel.", "(555) 123-4567", true},
      {"phone_sha256", hash, true},
      {"Phone (SHA-256)", std::string(64, 'A'), true},
      {"phone-md5", "0123456789abcdef0123456789abcdef", true},
      {"guest-key", "550e8400-e29b-41d4-a716-446655440000", true},
      // Ids that differ from the next one are ids all the same.
      {"bob@example.com", "eve@example.com", false},
      {"bob@example.com", "138", false},
      {"user17", "eve@example.com", false},
      {"+86 138-0000-1111", "eve@example.com", false},
      {"contact", "@eve", false},
      {"contact", "eve@", false},
      {"u1", "17", false},
      {"user_1", "17", false},
      {"user-1", "17", false},
      {"column1", "17", false},
      {"a3f8c1d2", "48291377", false},
      {"sha3_1", hash, false},
      {"1sha256", hash, false},
      {"(555) 123-4567", "138", false},
      {"--", "17", false},
      {"ann-marie", "bob", false},
      {"phone_sha256", "u17", false},
      {std::string(32, 'b'), std::string(32, '1'), false},
      {"ffffffff-ffff-ffff-ffff-ffffffffffff", "550e8400-e29b-41d4-a716-446655440000", false},
  };
  for (const Case& c : cases) {
    const Ids ids = Read(c.first + "\n" + c.second + "\n");
    EXPECT_EQ(ids.size(), c.is_header ? 1u : 2u) << c.first << " above " << c.second;
    EXPECT_EQ(findings_.header.has_value(), c.is_header) << c.first << " above " << c.second;
  }
  EXPECT_EQ(Read("Phone SHA-256\nzz\n", {.id_type = "phone_sha256"}), (Ids{{2, "zz"}}));
  EXPECT_EQ(Read("--\nzz\n", {.id_type = "_"}), (Ids{{1, "--"}, {2, "zz"}}));
}

TEST_F(IdListReaderTest, LinesMayEndInCrAlone) {
  struct Case {
    std::string content;
    IdListOptions options;
    Ids ids;
    uint64_t empty_rows;
  };
  const Case cases[] = {
      {"138\r139\r140\r", {}, {{1, "138"}, {2, "139"}, {3, "140"}}, 0},
      {"138\r139", {}, {{1, "138"}, {2, "139"}}, 0},
      {"138\r", {}, {{1, "138"}}, 0},
      {"\xEF\xBB\xBFphone\r\r\"139\"\r", {}, {{3, "139"}}, 1},
      {"name;phone\rAnn;138\rBob;139\r", {.column = "phone"}, {{2, "138"}, {3, "139"}}, 0},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Read(c.content, c.options), c.ids) << c.content;
    EXPECT_TRUE(findings_.has_cr && !findings_.has_crlf) << c.content;
    EXPECT_EQ(findings_.empty_rows, c.empty_rows) << c.content;
    EXPECT_EQ(findings_.refused, 0u) << c.content;
  }
  EXPECT_EQ(Read("138\r\n139\r\n"), (Ids{{1, "138"}, {2, "139"}}));
  EXPECT_FALSE(findings_.has_cr);
}

TEST_F(IdListReaderTest, CrIsLookedForInTheHead) {
  constexpr size_t kHeadBytes = 64 << 10;
  std::string many;
  while (many.size() < 3 * kHeadBytes) many += "1380000\r";
  EXPECT_EQ(Read(many).size(), many.size() / 8);
  EXPECT_TRUE(findings_.has_cr);
  // The CR of a CRLF stands before the last byte of the head, is the last one, or is behind it.
  for (const size_t size : {kHeadBytes - 2, kHeadBytes - 1, kHeadBytes}) {
    const Ids ids = Read(std::string(size, '7') + "\r\n139\r\n");
    ASSERT_EQ(ids.size(), 2u) << size;
    EXPECT_EQ(ids[0].second.size(), size);
    EXPECT_EQ(ids[1], (std::pair<uint64_t, std::string>{2, "139"})) << size;
    EXPECT_FALSE(findings_.has_cr) << size;
  }
}

TEST_F(IdListReaderTest, IdsOverSeveralLinesAreRefused) {
  const std::string quote = "an id goes over several lines: is a quote left open?";
  const std::string cr = "an id goes over several lines: do some end in CR alone?";
  struct Case {
    std::string content;
    Ids ids;
    Ids refused;
  };
  const Case cases[] = {
      {"138\n\"139\n140\"\n141\n", {{1, "138"}, {4, "141"}}, {{2, quote}}},
      {"\"138\n139\"\n140\n", {{3, "140"}}, {{1, quote}}},
      {"\"138\r\n139\"\r\n140\r\n", {{3, "140"}}, {{1, quote}}},
      {"\"138\r139\"\r140\r", {{3, "140"}}, {{1, quote}}},
      {"137\n138\r139\n140\n", {{1, "137"}, {3, "140"}}, {{2, cr}}},
      {"138\r139\r140\n", {}, {{1, cr}}},
      {"phone\n138\r139\r140", {}, {{2, cr}}},
      // At its ends they are spaces.
      {"\"138\n\"\n\"\n139\"\n", {{1, "138"}, {3, "139"}}, {}},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Read(c.content), c.ids) << c.content;
    EXPECT_EQ(refused_, c.refused) << c.content;
  }
}

TEST_F(IdListReaderTest, HashesInUpperCaseAreCounted) {
  struct Case {
    std::string id;
    uint64_t count;
  };
  const Case cases[] = {
      {std::string(31, '0') + "A", 1}, {std::string(39, 'f') + "F", 1},
      {std::string(63, '9') + "B", 1}, {std::string(31, '0') + "a", 0},
      {std::string(32, '7'), 0},       {std::string(31, 'A'), 0},
      {std::string(33, 'A'), 0},       {std::string(41, 'A'), 0},
      {std::string(63, 'A'), 0},       {std::string(65, 'A'), 0},
      {std::string(31, 'A') + "G", 0}, {std::string(63, 'A') + "-", 0},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Read(c.id + "\n"), (Ids{{1, c.id}}));
    EXPECT_EQ(findings_.upper_case_hashes, c.count) << c.id;
  }
}

TEST_F(IdListReaderTest, AColumnIsTaken) {
  const std::string file = "name;phone;city\nAnn;138;Paris\nBob;;Rome\nEve; 139 ;\"a;b\"\n";
  EXPECT_EQ(Read(file, {.column = "phone"}), (Ids{{2, "138"}, {4, "139"}}));
  EXPECT_EQ(findings_.header, "phone");
  EXPECT_EQ(findings_.empty_rows, 1u);
  EXPECT_EQ(Read(file, {.column = "2"}), (Ids{{2, "138"}, {4, "139"}}));
  EXPECT_EQ(Read("1\t2\n3\t4\n", {.column = "2"}), (Ids{{1, "2"}, {2, "4"}}));
  EXPECT_EQ(Read("a,b\n", {.delimiter = ';'}), (Ids{{1, "a,b"}}));
  EXPECT_EQ(OpenError(file), files_.Path("ids.csv") +
                                 ":1: the first line has 3 columns ('name', 'phone', 'city'): say "
                                 "with --column which one has the ids");
  for (const char* column : {"nope", "0", "4", "-1"}) {
    EXPECT_NE(OpenError(file, {.column = column}).find("there is no column"), std::string::npos)
        << column;
  }
}

TEST_F(IdListReaderTest, BadRowsAreRefusedOneByOne) {
  EXPECT_EQ(Read("138\n\xff\n139\n1.38E+10\n"), (Ids{{1, "138"}, {3, "139"}}));
  ASSERT_EQ(refused_.size(), 2u);
  EXPECT_EQ(refused_[0].first, 2u);
  EXPECT_EQ(refused_[1].first, 4u);
  EXPECT_EQ(Read("a,b\n1\n2,3\n", {.column = "1"}), (Ids{{3, "2"}})) << "of another width";
  EXPECT_EQ(refused_.size(), 1u);
  EXPECT_EQ(Read("1E+5\n17\n"), (Ids{{2, "17"}})) << "the first row too";
  EXPECT_EQ(Read("u1e5\ne+5\n1e-5\n"), (Ids{{1, "u1e5"}, {2, "e+5"}, {3, "1e-5"}}));
}

TEST(IdFramesTest, NumbersGoAsNumbersAndLinesAreKnown) {
  IdFrames frames;
  frames.Add("17", 2);
  frames.Add("18446744073709551615", 3);
  v1::UploadIdsRequest numbers = frames.Take();
  ASSERT_EQ(numbers.ids().numbers().values_size(), 2);
  EXPECT_EQ(numbers.ids().numbers().values(1), 18'446'744'073'709'551'615u);
  for (const char* text : {"17", "017", "18446744073709551616", "+1", ""}) frames.Add(text, 9);
  const v1::UploadIdsRequest texts = frames.Take();
  EXPECT_EQ(texts.ids().texts().ends_size(), 5);
  EXPECT_EQ(texts.ids().texts().data(), "1701718446744073709551616+1");
  EXPECT_TRUE(frames.empty());
  EXPECT_EQ(frames.count(), 7u);
  EXPECT_EQ(frames.LineOf(1), 2u);
  EXPECT_EQ(frames.LineOf(2), 3u);
  EXPECT_EQ(frames.LineOf(3), 9u);
  EXPECT_EQ(frames.LineOf(7), 9u);
  EXPECT_EQ(frames.LineOf(8), 0u);
  EXPECT_EQ(frames.LineOf(0), 0u);
}

}  // namespace
}  // namespace throng::cli
