// The access file: what it says, what is wrong with it, and changes that leave the rest alone.
#include "server/access/access_file.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/error.h"
#include "tests/testing/temporary_directory.h"

namespace throng::access {
namespace {

using ::testing::HasSubstr;

const std::string kDigest(64, 'a');  // of nobody's token

std::string TokenLine() { return fmt::format("token_sha256 = \"{}\"\n", kDigest); }

TEST(AccessFileTest, SaysWhoMayDoWhat) {
  const absl::StatusOr<std::vector<Principal>> principals = ParseAccessFile(fmt::format(R"(# the CMS
[[principal]]
name = "cms"
token_sha256 = "{}"
expires = 2027-01-31T02:00:00+02:00

[[principal.grant]]
population = "renters"
roles = ["operator", "upload"]
sensitivity = 3

[[principal.grant]]
population = "owners"
roles = ["operator"]
minimum_count = 100

[[principal.grant]]
population = "*"
roles = ["viewer"]

[[principal]]
name = "crm \"2\""
subject = "CN=crm,O=Example"
revoked = true
expires = 2027-02-01
)",
                                                                                        kDigest),
                                                                            "access.toml");
  ASSERT_TRUE(principals.ok()) << principals.status();
  ASSERT_EQ(principals->size(), 2);
  const Principal& cms = (*principals)[0];
  EXPECT_EQ(cms.name, "cms");
  EXPECT_EQ(cms.token, DigestFromHex(kDigest));
  EXPECT_EQ(TimeText(cms.expires_us), "2027-01-31T00:00:00Z");
  EXPECT_FALSE(cms.revoked);
  ASSERT_EQ(cms.grants.size(), 3);
  EXPECT_EQ(cms.grants[0].population, "renters");
  EXPECT_EQ(cms.grants[0].sensitivity_max, 3);
  EXPECT_TRUE(cms.grants[0].rights.Has(Right::kUpload));
  EXPECT_TRUE(cms.grants[0].rights.Has(Right::kDefine));
  EXPECT_FALSE(cms.grants[0].rights.Has(Right::kExport));
  EXPECT_EQ(cms.grants[0].minimum_count, 0);
  EXPECT_EQ(cms.grants[1].minimum_count, 100);
  EXPECT_EQ(cms.grants[2].sensitivity_max, 0);
  const Principal& crm = (*principals)[1];
  EXPECT_EQ(crm.name, "crm \"2\"");
  EXPECT_EQ(crm.subject, "CN=crm,O=Example");
  EXPECT_TRUE(crm.revoked);
  EXPECT_EQ(TimeText(crm.expires_us), "2027-02-01T00:00:00Z");
  EXPECT_TRUE(crm.grants.empty());
}

TEST(AccessFileTest, AnEmptyOneLetsNobodyIn) {
  EXPECT_TRUE(ParseAccessFile("", "f")->empty());
  EXPECT_TRUE(ParseAccessFile("# nobody\n", "f")->empty());
}

struct BadFile {
  std::string text;
  std::string line;
  std::string remedy;
};

TEST(AccessFileTest, MistakesNameTheLineAndTheRemedy) {
  const std::string head = "[[principal]]\nname = \"a\"\n" + TokenLine();
  const std::string grant = head + "[[principal.grant]]\n";
  const std::vector<BadFile> files = {
      {"name = ", "line 1", "not TOML"},
      {"[[principals]]\nname = \"a\"", "line 1", "did you mean principal?"},
      {"[principal]\nname = \"a\"\n" + TokenLine(), "line 1", "write [[principal]], in brackets"},
      {"principal = [1]", "line 1", "write [[principal]] for each principal"},
      {"\n[[principal]]\n" + TokenLine(), "line 2", "needs a name"},
      {"[[principal]]\nname = 7\n", "line 2", "a text in quotes"},
      {"[[principal]]\nname = \"\"\n", "line 2", "not empty"},
      {"[[principal]]\nname = \"a\\nb\"\n" + TokenLine(), "line 2", "one line"},
      {"[[principal]]\nname = \"" + std::string(129, 'a') + "\"\n" + TokenLine(), "line 2",
       "at most 128 bytes"},
      {"[[principal]]\nname = \"a\"\n", "line 1", "throngd token create"},
      {"[[principal]]\nname = \"a\"\ntoken_sha256 = \"throng_secret\"\n", "line 3",
       "never the token itself"},
      {head + "token = \"x\"\n", "line 4", "unknown key \"token\""},
      {head + "expire = 2027-01-01\n", "line 4", "did you mean expires?"},
      {head + "expires = \"2027-01-01\"\n", "line 4", "without quotes"},
      {head + "expires = 2027-01-01T00:00:00\n", "line 4", "with its zone"},
      {head + "revoked = \"yes\"\n", "line 4", "true or false"},
      {head + "grant = 1\n", "line 4", "[[principal.grant]]"},
      {grant + "roles = [\"viewer\"]\n", "line 4", "population must be"},
      {grant + "population = \"populations/a\"\nroles = [\"viewer\"]\n", "line 5",
       "the last part of a name"},
      {grant + "population = \"a\"\n", "line 4", "roles must be a list"},
      {grant + "population = \"a\"\nroles = []\n", "line 6", "roles must be a list"},
      {grant + "population = \"a\"\nroles = \"viewer\"\n", "line 6", "roles must be a list"},
      {grant + "population = \"a\"\nroles = [\"viewr\"]\n", "line 6",
       "\"viewr\" is no role; there are viewer, operator"},
      {grant + "population = \"a\"\nroles = [1]\n", "line 6", "not a text is no role"},
      {grant + "population = \"a\"\nroles = [\"viewer\"]\nsensitivity = 10\n", "line 7",
       "from 0 to 9"},
      {grant + "population = \"a\"\nroles = [\"viewer\"]\nminimum_count = -1\n", "line 7",
       "from 0 (none) to 1000000"},
      {grant + "population = \"a\"\nroles = [\"viewer\"]\nminimum_count = \"9\"\n", "line 7",
       "whole number of users"},
      {grant + "population = \"a\"\nroles = [\"viewer\"]\nminimum_count = 1000001\n", "line 7",
       "from 0 (none) to 1000000"},
      {grant + "population = \"a\"\nroles = [\"viewer\"]\nminimum = 9\n", "line 7",
       "unknown key \"minimum\""},
      {grant + "population = \"a\"\nroles = [\"viewer\", \"export\"]\nminimum_count = 9\n",
       "line 7", "in a grant of their own"},
      {grant + "population = \"a\"\nroles = [\"admin\"]\nminimum_count = 1\n", "line 7",
       "viewer and operator may have it"},
      {grant + "population = \"a\"\nroles = [\"viewer\"]\nsensitivity = -1\n", "line 7",
       "from 0 to 9"},
      {grant + "population = \"a\"\nroles = [\"viewer\"]\nsensitivty = 1\n", "line 7",
       "did you mean sensitivity?"},
      {head + head, "line 4", "the name \"a\" stands already at line 1"},
      {head + "[[principal]]\nname = \"b\"\n" + TokenLine(), "line 4",
       "this token_sha256 stands already at line 1"},
      {"[[principal]]\nname = \"a\"\nsubject = \"CN=a\"\n[[principal]]\nname = \"b\"\nsubject = "
       "\"CN=a\"\n",
       "line 4", "this subject stands already at line 1"},
  };
  for (const BadFile& file : files) {
    const absl::Status status = ParseAccessFile(file.text, "access.toml").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << file.text;
    EXPECT_THAT(std::string(status.message()), HasSubstr("access.toml " + file.line)) << file.text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(file.remedy)) << file.text;
    ASSERT_TRUE(index::GetErrorDetail(status).has_value()) << file.text;
    EXPECT_EQ(index::GetErrorDetail(status)->reason, "BAD_ACCESS_FILE") << file.text;
  }
}

TEST(AccessFileTest, IsAsLongAsItMayBe) {
  const std::string most(kAccessFileBytesMax, '\n');
  EXPECT_TRUE(ParseAccessFile(most, "f").ok());
  EXPECT_EQ(ParseAccessFile(most + "\n", "f").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(AccessFileTest, HasAsManyPrincipalsAsItMay) {
  std::string text;
  for (size_t i = 0; i < kPrincipalsMax; ++i) {
    text += fmt::format("[[principal]]\nname = \"{}\"\nsubject = \"CN={}\"\n", i, i);
  }
  EXPECT_EQ(ParseAccessFile(text, "f")->size(), kPrincipalsMax);
  text += "[[principal]]\nname = \"more\"\nsubject = \"CN=more\"\n";
  EXPECT_THAT(std::string(ParseAccessFile(text, "f").status().message()), HasSubstr("at most"));
}

TEST(AccessFileTest, APrincipalHasAsManyGrantsAsItMay) {
  std::string text = "[[principal]]\nname = \"a\"\nsubject = \"CN=a\"\n";
  for (size_t i = 0; i < kGrantsMax; ++i) {
    text += fmt::format("[[principal.grant]]\npopulation = \"p{}\"\nroles = [\"viewer\"]\n", i);
  }
  const auto most = ParseAccessFile(text, "f");
  ASSERT_TRUE(most.ok()) << most.status();
  EXPECT_EQ(most->front().grants.size(), kGrantsMax);
  text += "[[principal.grant]]\npopulation = \"more\"\nroles = [\"viewer\"]\n";
  EXPECT_THAT(std::string(ParseAccessFile(text, "f").status().message()),
              HasSubstr("at most 1000 grants"));
}

Principal Somebody(const std::string& name) {
  Principal principal{.name = name, .token = DigestOf(name), .expires_us = 1'800'000'000'000'000};
  principal.grants.push_back({.population = "default", .roles = {"viewer", "export"}});
  principal.grants.push_back({.population = "*", .roles = {"loader"}, .sensitivity_max = 9});
  return principal;
}

TEST(AccessFileTest, APrincipalIsAddedBehindWhatIsThere) {
  const std::string before = "# ours\n[[principal]]\nname = \"a\"\nsubject = \"CN=a\"  # the CMS";
  const absl::StatusOr<std::string> text = WithPrincipal(before, "f", Somebody("b \"x\" \\"));
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_TRUE(text->starts_with(before + "\n\n"));
  const std::vector<Principal> principals = *ParseAccessFile(*text, "f");
  ASSERT_EQ(principals.size(), 2);
  EXPECT_EQ(principals[1].name, "b \"x\" \\");
  EXPECT_EQ(principals[1].token, DigestOf("b \"x\" \\"));
  EXPECT_EQ(principals[1].expires_us, 1'800'000'000'000'000);
  ASSERT_EQ(principals[1].grants.size(), 2);
  EXPECT_EQ(principals[1].grants[0].roles, (std::vector<std::string>{"viewer", "export"}));
  EXPECT_EQ(principals[1].grants[1].sensitivity_max, 9);
  const absl::Status again = WithPrincipal(*text, "f", Somebody("a")).status();
  EXPECT_EQ(again.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(index::GetErrorDetail(again)->reason, "PRINCIPAL_EXISTS");
  EXPECT_EQ(index::GetErrorDetail(again)->field, "name");
  Principal nothing = Somebody("c");
  nothing.grants[0].roles = {"boss"};
  EXPECT_EQ(WithPrincipal(*text, "f", nothing).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(AccessFileTest, RevokingChangesOneLine) {
  const std::string before =
      "# ours\n[[principal]]\nname = \"a\"  # first\nsubject = \"CN=a\"\n\n[[principal]]\n"
      "subject = \"CN=b\"\nrevoked = false # not yet\nname = \"b\"";
  const absl::StatusOr<std::string> a = WithRevoked(before, "f", "a");
  ASSERT_TRUE(a.ok()) << a.status();
  EXPECT_EQ(*a,
            "# ours\n[[principal]]\nname = \"a\"  # first\nrevoked = true\nsubject = \"CN=a\"\n\n"
            "[[principal]]\nsubject = \"CN=b\"\nrevoked = false # not yet\nname = \"b\"");
  const absl::StatusOr<std::string> b = WithRevoked(*a, "f", "b");
  ASSERT_TRUE(b.ok()) << b.status();
  EXPECT_THAT(*b, HasSubstr("subject = \"CN=b\"\nrevoked = true\nname = \"b\""));
  EXPECT_EQ(*WithRevoked(*b, "f", "b"), *b);
  const std::string last = "[[principal]]\nsubject = \"CN=c\"\nname = \"c\"";
  EXPECT_EQ(*WithRevoked(last, "f", "c"), last + "\nrevoked = true\n");
  EXPECT_EQ(WithRevoked(before, "f", "x").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(WithRevoked("[[", "f", "x").status().code(), absl::StatusCode::kInvalidArgument);
  // Where a line cannot be put, nothing is changed.
  const std::string inlined = "principal = [{name = \"a\", subject = \"CN=a\"}]\n";
  EXPECT_FALSE(WithRevoked(inlined, "f", "a").ok());
}

class AccessFileOnDiskTest : public ::testing::Test {
 protected:
  std::string Text() const {
    std::ifstream file(path_);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

  testing::TemporaryDirectory directory_;
  const std::string path_ = directory_.File("access.toml");
};

TEST_F(AccessFileOnDiskTest, ANewOneIsItsOwnersAlone) {
  ASSERT_TRUE(ChangeAccessFile(path_, [&](std::string_view text) {
                return WithPrincipal(text, path_, Somebody("a"));
              }).ok());
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600);
  EXPECT_EQ(ReadAccessFile(path_)->size(), 1);
}

TEST_F(AccessFileOnDiskTest, KeepsItsModeAndIsWholeWhateverFails) {
  std::ofstream(path_) << "# mine\n";
  ASSERT_EQ(chmod(path_.c_str(), 0640), 0);
  ASSERT_TRUE(ChangeAccessFile(path_, [](std::string_view text) {
                return absl::StatusOr<std::string>(std::string(text) + "# more\n");
              }).ok());
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640);
  EXPECT_EQ(Text(), "# mine\n# more\n");
  EXPECT_EQ(ChangeAccessFile(path_,
                             [](std::string_view) {
                               return absl::StatusOr<std::string>(absl::AbortedError("no"));
                             })
                .code(),
            absl::StatusCode::kAborted);
  EXPECT_EQ(Text(), "# mine\n# more\n");
}

// What replaced the link would leave the file as it is that the server reads.
TEST_F(AccessFileOnDiskTest, BehindALinkTheRealFileIsReplaced) {
  ASSERT_TRUE(std::filesystem::create_directory(directory_.File("real")));
  const std::string real = directory_.File("real/access.toml");
  std::ofstream(real) << "# mine\n";
  std::filesystem::create_symlink("real/access.toml", path_);
  const auto add = [&] {
    return ChangeAccessFile(
        path_, [&](std::string_view text) { return WithPrincipal(text, path_, Somebody("a")); });
  };
  ASSERT_TRUE(add().ok());
  EXPECT_TRUE(std::filesystem::is_symlink(path_));
  EXPECT_EQ(ReadAccessFile(real)->size(), 1);
  EXPECT_THAT(Text(), HasSubstr("# mine\n"));
  // One that leads nowhere is said, and stays.
  std::filesystem::remove(real);
  const absl::Status nowhere = add();
  EXPECT_EQ(nowhere.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(nowhere.message()), HasSubstr("No such file"));
  EXPECT_TRUE(std::filesystem::is_symlink(path_));
}

TEST_F(AccessFileOnDiskTest, ChangesComeOneAfterTheOther) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this, i] {
      for (int j = 0; j < 10; ++j) {
        const Principal principal = Somebody(fmt::format("p{}-{}", i, j));
        EXPECT_TRUE(ChangeAccessFile(path_, [&](std::string_view text) {
                      return WithPrincipal(text, path_, principal);
                    }).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ReadAccessFile(path_)->size(), 40);
}

TEST_F(AccessFileOnDiskTest, OneThatEverybodyMayWriteIsRefused) {
  EXPECT_EQ(ReadAccessFile(path_).status().code(), absl::StatusCode::kUnavailable);
  std::ofstream(path_) << "";
  ASSERT_EQ(chmod(path_.c_str(), 0602), 0);
  const absl::Status status = ReadAccessFile(path_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("chmod o-w"));
  ASSERT_EQ(chmod(path_.c_str(), 0600), 0);
  EXPECT_TRUE(ReadAccessFile(path_).ok());
}

}  // namespace
}  // namespace throng::access
