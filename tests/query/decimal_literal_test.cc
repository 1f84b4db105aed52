#include "query/decimal_literal.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace throng::query {
namespace {

TEST(DecimalLiteralTest, ReadsAndPrints) {
  struct Case {
    std::string_view text;
    std::string_view canonical;
  };
  const std::string nines(38, '9');
  const Case cases[] = {
      {"0", "0"},         {"-0", "0"},    {"00.00", "0"},         {"12.50", "12.5"},
      {"-0.05", "-0.05"}, {"100", "100"}, {"100.001", "100.001"}, {nines, nines},
  };
  for (const Case& c : cases) {
    const std::optional<DecimalLiteral> literal = ParseDecimal(c.text);
    ASSERT_TRUE(literal.has_value()) << c.text;
    EXPECT_TRUE(IsCanonical(*literal)) << c.text;
    EXPECT_EQ(FormatDecimal(*literal), c.canonical);
  }
}

TEST(DecimalLiteralTest, RefusesWhatIsNoNumber) {
  for (const char* text :
       {"", "-", ".", "1.", ".5", "1e5", "+1", " 1", "1 ", "1.2.3", "0x1", "١"}) {
    EXPECT_FALSE(ParseDecimal(text).has_value()) << text;
  }
  EXPECT_FALSE(ParseDecimal(std::string(39, '1')).has_value());
  EXPECT_TRUE(ParseDecimal(std::string(60, '0') + "1").has_value());
  EXPECT_TRUE(ParseDecimal("0." + std::string(37, '0') + "1").has_value());
  EXPECT_FALSE(ParseDecimal("0." + std::string(38, '0') + "1").has_value());
}

TEST(DecimalLiteralTest, PrintsOtherScalesWithTheirZeros) {
  EXPECT_EQ(FormatDecimal({.units = 150, .scale = 2}), "1.50");
  EXPECT_EQ(FormatDecimal({.units = -5, .scale = 3}), "-0.005");
  EXPECT_EQ(FormatDecimal({.units = 0, .scale = 2}), "0.00");
  EXPECT_EQ(FormatDecimal({.units = INT64_MIN, .scale = 0}), "-9223372036854775808");
}

TEST(DecimalLiteralTest, CanonicalForm) {
  EXPECT_FALSE(IsCanonical({.units = 10, .scale = 1}));
  EXPECT_FALSE(IsCanonical({.units = 0, .scale = 1}));
  EXPECT_FALSE(IsCanonical({.units = 1, .scale = -1}));
  EXPECT_FALSE(IsCanonical({.units = 1, .scale = 39}));
  EXPECT_TRUE(IsCanonical({.units = 10, .scale = 0}));
}

TEST(DecimalLiteralTest, BoundsAreExact) {
  struct Case {
    std::string_view text;
    int scale;
    int64_t floor;
    int64_t ceil;
  };
  constexpr Case kCases[] = {
      {"2.5", 0, 2, 3},
      {"-2.5", 0, -3, -2},
      {"2.5", 1, 25, 25},
      {"2.5", 3, 2500, 2500},
      {"0.001", 2, 0, 1},
      {"-0.001", 2, -1, 0},
      {"7", 0, 7, 7},
      {"-7", 2, -700, -700},
      {"0.00000000000000000000000000000000000001", 0, 0, 1},
      {"9223372036854775807", 0, INT64_MAX, INT64_MAX},
  };
  for (const Case& c : kCases) {
    const ScaledBounds bounds = ScaleTo(*ParseDecimal(c.text), c.scale);
    EXPECT_TRUE(bounds.floor == c.floor) << c.text;
    EXPECT_TRUE(bounds.ceil == c.ceil) << c.text;
  }
}

TEST(DecimalLiteralTest, HugeNumbersStayBeyondEveryStoredOne) {
  const std::string nines(38, '9');
  for (const int scale : {0, 9, 18}) {
    EXPECT_TRUE(ScaleTo(*ParseDecimal(nines), scale).floor > Int128{INT64_MAX});
    EXPECT_TRUE(ScaleTo(*ParseDecimal("-" + nines), scale).ceil < Int128{INT64_MIN});
  }
}

}  // namespace
}  // namespace throng::query
