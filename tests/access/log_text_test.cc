// Values of the log: whatever is in them, each stays one value on one line.
#include "server/access/log_text.h"

#include <string>

#include "gtest/gtest.h"

namespace throng::access {
namespace {

TEST(LogTextTest, EndsNeitherItsValueNorItsLine) {
  struct Case {
    std::string text;
    std::string quoted;
  };
  const Case cases[] = {
      {"", R"("")"},
      {"plain words", R"("plain words")"},
      {R"("boss" is no role)", R"("\"boss\" is no role")"},
      {R"(C:\x)", R"("C:\\x")"},
      {"two\nlines\r\n", R"("two\x0alines\x0d\x0a")"},
      {std::string("a\0b\x1b\x7f", 5), R"("a\x00b\x1b\x7f")"},
      {"event=forged", R"("event=forged")"},
      {"\xe5\x8c\x97", "\"\xe5\x8c\x97\""},
  };
  for (const Case& example : cases) EXPECT_EQ(Quoted(example.text), example.quoted);
}

TEST(LogTextTest, AStatusIsItsMessage) {
  EXPECT_EQ(QuotedMessage(absl::NotFoundError("no \"x\"")), R"("no \"x\"")");
  EXPECT_EQ(QuotedMessage(absl::OkStatus()), R"("")");
}

}  // namespace
}  // namespace throng::access
