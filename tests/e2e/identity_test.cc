// A user's ids and forgetting a user, by the programs as they ship.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/e2e/live_server_test.h"
#include "tests/e2e/refusal.h"

namespace throng::e2e {
namespace {

class IdentityTest : public LiveServerTest {
 protected:
  void SetUp() override {
    Load(throng(), Write("users.csv", "user_id,city\nu1,Paris\nu2,Rome\nu3,Paris\n"),
         Write("schema.toml", "id_column = \"user_id\"\n" + Tag("city", "CATEGORY")));
    throng().Ask({"id-types", "create", "phone", "--normalize", "phone-digits"});
    throng().Ask(
        {"id-types", "create", "email", "--normalize", "trim", "--normalize", "lowercase"});
  }
};

TEST_F(IdentityTest, AUserIsFoundByAnyOfItsIds) {
  Json types = throng().Ask({"id-types", "list"});
  ASSERT_EQ(types["id_types"].size(), 3u);
  EXPECT_EQ(types["id_types"][0]["name"], "user_id");
  EXPECT_EQ(types["id_types"][2]["normalizers"], (Json{"trim", "lowercase"}));

  const std::string phones = Write("phones.csv", "user,phone\nu1,+86 138\nu2,86-139\nu1,86140\n");
  Json linked = throng().Ask({"link", phones, "--id-type", "phone"});
  EXPECT_EQ(linked["ids_linked"], 3);
  EXPECT_EQ(throng().Ask({"link", phones, "--id-type", "phone"})["ids_known"], 3);
  EXPECT_EQ(throng().Ask({"link", "u1", "--id", "email= Ana@Example.com"})["ids_linked"], 1);

  Json resolved = throng().Ask({"resolve", "--id-type", "phone", "+86138", "86139", "1"});
  EXPECT_EQ(resolved["results"][0]["ids"], Json::array({"u1"}));
  EXPECT_EQ(resolved["results"][1]["ids"], Json::array({"u2"}));
  EXPECT_FALSE(resolved["results"][2]["found"].get<bool>());
  Json back = throng().Ask({"resolve", "u1", "--to", "phone"});
  EXPECT_EQ(back["results"][0]["ids"], (Json{"86138", "86140"}));

  Json portrait = throng().Ask({"portrait", "--id-type", "email", "ANA@example.com"});
  EXPECT_EQ(portrait["id"], "u1");
  EXPECT_EQ(portrait["ids"]["phone"], (Json{"86138", "86140"}));
  EXPECT_EQ(portrait["tags"]["city"], "Paris");

  // A file that knows users by their phones.
  const std::string schema =
      Write("by_phone.toml", "id_column = \"phone\"\n" + Tag("city", "CATEGORY"));
  const std::string moved = Write("moved.csv", "phone,city\n+86-139,Oslo\n555,Oslo\n");
  Json summary = Load(throng(), moved, schema, {"--id-type", "phone", "--unknown-ids", "skip"});
  EXPECT_EQ(summary["rows"], 1);
  EXPECT_EQ(summary["rows_skipped"], 1);
  EXPECT_EQ(throng().Count("city = 'Oslo'"), 1);
  EXPECT_NE(throng().Run({"load", moved, "--schema", schema, "--id-type", "phone"}).exit_code, 0)
      << "nobody is created by a phone";

  const CommandResult taken = throng().Run({"link", "u3", "--id", "phone=86138", "--json"});
  EXPECT_EQ(taken.exit_code, 1);
  EXPECT_EQ(taken.json()["error"]["reason"], "ID_TAKEN") << taken;
  EXPECT_EQ(taken.json()["error"]["field"], "entries[0].ids[0].id") << taken;
}

TEST_F(IdentityTest, AnErasedUserStaysForgottenThroughAKill) {
  ServerProcess killed(File("killed"));
  Load(killed.client(), File("users.csv"), File("schema.toml"));
  killed.client().Ask({"id-types", "create", "phone"});
  killed.client().Ask({"link", "u1", "--id", "phone=138"});
  EXPECT_EQ(killed.client().Run({"erase", "u1"}).exit_code, 2) << "nobody is there to say yes";
  EXPECT_EQ(killed.client().Count("all()"), 3);
  Json erased = killed.client().Ask({"erase", "--id-type", "phone", "138", "139", "--yes"});
  EXPECT_EQ(erased["users_erased"], 1);
  EXPECT_EQ(erased["users"][0]["tags_cleared"], 1);
  EXPECT_EQ(erased["users"][0]["ids_removed"], 2);
  EXPECT_FALSE(erased["users"][1]["found"].get<bool>());
  killed.Kill();
  ServerProcess again(File("killed"));
  const Throng client = again.client();
  EXPECT_EQ(client.Count("all()"), 2);
  EXPECT_EQ(client.Count("city = 'Paris'"), 1);
  EXPECT_EQ(client.Run({"portrait", "u1"}).exit_code, 1);
  // Created again by a load, it is somebody new.
  Load(client, File("users.csv"), File("schema.toml"));
  EXPECT_EQ(client.Count("city = 'Paris'"), 2);
  EXPECT_EQ(client.Ask({"resolve", "u1", "--to", "phone"})["results"][0]["ids"], Json::array());
  EXPECT_EQ(again.Stop(), 0);
}

TEST_F(IdentityTest, ARestoredBackupForgetsByTheLedger) {
  ServerProcess with(File("backed"), {"--backup-dir", File("backups")});
  const Throng client = with.client();
  Load(client, File("users.csv"), File("schema.toml"));
  client.Ask({"erase", "u2", "--yes"});
  client.Ask({"backup", "create", "monday"});
  client.Ask({"erase", "u1", "--yes"});
  EXPECT_EQ(with.Stop(), 0);
  const CommandResult sound = RunServer({"verify", File("backed"), "--json"});
  EXPECT_EQ(sound.exit_code, 0) << sound;

  EXPECT_EQ(RunServer({"restore", File("backups/monday"), File("restored"), "--ledger",
                       File("backed/ERASED")})
                .exit_code,
            0);
  ServerProcess again(File("restored"));
  EXPECT_EQ(again.client().Count("all()"), 1);
  EXPECT_EQ(again.client().Run({"portrait", "u1"}).exit_code, 1);
  EXPECT_EQ(again.client().Run({"portrait", "u3"}).exit_code, 0);
  ExpectRefused(
      RunServer({"restore", File("backups/monday"), File("other"), "--ledger", File("users.csv")}),
      2, {"users.csv", "does not go on from the ledger of the backup", "nothing is restored"});
  EXPECT_EQ(RunServer({"restore", File("backups/monday"), File("other")}).exit_code, 0);
}

}  // namespace
}  // namespace throng::e2e
