#include "cli/table.h"

#include <limits>
#include <string>

#include "cli/terminal_text.h"
#include "gtest/gtest.h"

namespace throng::cli {
namespace {

TEST(DisplayWidthTest, CountsTerminalColumns) {
  EXPECT_EQ(DisplayWidth(""), 0U);
  EXPECT_EQ(DisplayWidth("abc"), 3U);
  EXPECT_EQ(DisplayWidth("né"), 2U);
  EXPECT_EQ(DisplayWidth("北京"), 4U);
  EXPECT_EQ(DisplayWidth("ﾊﾝ"), 2U);  // Half-width kana.
  EXPECT_EQ(DisplayWidth("Ａ"), 2U);  // Full-width letter.
  EXPECT_EQ(DisplayWidth("한글"), 4U);
  EXPECT_EQ(DisplayWidth("🏠"), 2U);
  EXPECT_EQ(DisplayWidth("e\u0301"), 1U);  // A combining accent.
  EXPECT_EQ(DisplayWidth("\xff\xfe"), 2U);
}

TEST(FirstCodePointTest, RefusesWhatIsNotUtf8) {
  EXPECT_EQ(FirstCodePoint("\u00e9x").value, U'\u00e9');
  EXPECT_EQ(FirstCodePoint("\u00e9x").bytes, 2U);
  EXPECT_EQ(FirstCodePoint("\U0001F3E0").bytes, 4U);
  for (const std::string bad : {"\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
                                "\xf5\x80\x80\x80", "\xe5\x8c", "\xf4\x90\x80\x80"}) {
    EXPECT_FALSE(FirstCodePoint(bad).valid) << testing::PrintToString(bad);
    EXPECT_EQ(FirstCodePoint(bad).bytes, 1U);
  }
}

TEST(PrintableTest, EscapesWhatSteersTerminals) {
  EXPECT_EQ(Printable("plain 北京"), "plain 北京");
  EXPECT_EQ(Printable("a\x1b[2Jb\n"), "a\\u{1b}[2Jb\\u{a}");
  EXPECT_EQ(Printable("\xc2\x9b"), "\\u{9b}");
  EXPECT_EQ(Printable("a\u202eb"), "a\\u{202e}b");
  EXPECT_EQ(Printable("\xff"), "\\x{ff}");
  EXPECT_EQ(PrintableLines("a\nb\x1b"), "a\nb\\u{1b}");
}

TEST(FormatCountTest, GroupsDigits) {
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(1000), "1,000");
  EXPECT_EQ(FormatCount(123456), "123,456");
  EXPECT_EQ(FormatCount(std::numeric_limits<std::uint64_t>::max()), "18,446,744,073,709,551,615");
}

TEST(DurationTextTest, ChoosesTheUnit) {
  EXPECT_EQ(DurationText(absl::Nanoseconds(400)), "0.4 us");
  EXPECT_EQ(DurationText(absl::Microseconds(431)), "431 us");
  EXPECT_EQ(DurationText(absl::Microseconds(12340)), "12.3 ms");
  EXPECT_EQ(DurationText(absl::Milliseconds(4560)), "4.56 s");
}

TEST(ShareBarTest, ShowsEighths) {
  EXPECT_EQ(ShareBar(0, 10), "");
  EXPECT_EQ(ShareBar(0.0001, 10), "▏");
  EXPECT_EQ(ShareBar(0.25, 10), "██▌");
  EXPECT_EQ(ShareBar(7.5, 2), "██");
  EXPECT_EQ(ShareBar(std::numeric_limits<double>::quiet_NaN(), 2), "");
}

TEST(TableTest, AlignsByDisplayWidth) {
  Table table({{"VALUE"}, {"USERS", Table::Align::kRight}, {"NOTE"}});
  table.AddRow({"北京", "1,234", "x"});
  table.AddRow({"Paris", "7"});
  EXPECT_EQ(table.Render(),
            "VALUE  USERS  NOTE\n"
            "北京   1,234  x\n"
            "Paris      7\n");
}

TEST(TableTest, LeavesOutEmptyTitlesAndEscapesCells) {
  Table table({{""}, {""}});
  EXPECT_TRUE(table.empty());
  EXPECT_EQ(table.Render(), "");
  table.AddRow({"name", "a\tb"});
  table.AddRow({"id", "c"});
  EXPECT_FALSE(table.empty());
  EXPECT_EQ(table.Render(), "name  a\\u{9}b\nid    c\n");
}

}  // namespace
}  // namespace throng::cli
