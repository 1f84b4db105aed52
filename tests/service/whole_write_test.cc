// Writing, end to end: the real engine behind the real services.
#include <string>
#include <vector>

#include "grpcpp/client_context.h"
#include "tests/service/status_matchers.h"
#include "tests/service/whole_fixture.h"

namespace throng::service {
namespace {

class WholeWriteTest : public WholeServerTest {
 protected:
  static v1::WriteUsersRequest MoveTo(const std::string& id, const std::string& city) {
    v1::WriteUsersRequest request;
    request.set_unknown_ids(v1::UNKNOWN_IDS_CREATE);
    v1::UserChange* user = request.add_users();
    user->set_id(id);
    v1::TagChange* change = user->add_changes();
    change->set_tag("city");
    change->mutable_set()->set_text(city);
    return request;
  }
  grpc::Status Write(const v1::WriteUsersRequest& request, v1::WriteUsersResponse* response) {
    grpc::ClientContext context;
    return users_->WriteUsers(&context, request, response);
  }
};

TEST_F(WholeWriteTest, ARetryGetsTheFirstAnswerAndAClashAnError) {
  v1::WriteUsersRequest request = MoveTo("newcomer", "Beijing");
  request.set_request_id("r1");
  v1::WriteUsersResponse first;
  grpc::Status status = Write(request, &first);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(first.users_created(), 1u);
  EXPECT_EQ(Count("city = 'Beijing'").count(), 301u);
  v1::WriteUsersResponse second;
  ASSERT_TRUE(Write(request, &second).ok());
  EXPECT_EQ(second.DebugString(), first.DebugString());
  EXPECT_EQ(Count("all()").info().data_version(), first.data_version());
  request.mutable_users(0)->set_id("other");
  status = Write(request, &second);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(DetailOf(status).reason(), "REQUEST_ID_REUSED");
  // Also after a restart.
  Stop();
  Start();
  request.mutable_users(0)->set_id("newcomer");
  ASSERT_TRUE(Write(request, &second).ok());
  EXPECT_EQ(second.DebugString(), first.DebugString());
}

TEST_F(WholeWriteTest, AllOrNothingAndTheErrorSaysWhich) {
  v1::WriteUsersRequest request = MoveTo("1", "Beijing");
  v1::TagChange* bad = request.add_users()->add_changes();
  request.mutable_users(1)->set_id("2");
  bad->set_tag("views");
  bad->mutable_set()->set_text("many");
  v1::WriteUsersResponse response;
  const grpc::Status status = Write(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(DetailOf(status).field().substr(0, 19), "users[1].changes[0]");
  EXPECT_EQ(Count("city = 'Beijing'").count(), 300u);
  request = MoveTo("1", "Beijing");
  request.set_validate_only(true);
  EXPECT_TRUE(Write(request, &response).ok());
  EXPECT_EQ(Count("city = 'Beijing'").count(), 300u);
}

TEST_F(WholeWriteTest, AnEarlierVersionStaysReadable) {
  const v1::CountResponse before = Count("city = 'Beijing'");
  v1::WriteUsersResponse response;
  ASSERT_TRUE(Write(MoveTo("1", "Beijing"), &response).ok());
  EXPECT_GT(response.data_version(), before.info().data_version());
  EXPECT_EQ(Count("city = 'Beijing'").count(), 301u);
  EXPECT_EQ(Count("city = 'Beijing'", before.info().data_version()).count(), 300u);
}

TEST_F(WholeWriteTest, TheSameCountsAfterARestart) {
  const std::string expression = "city = 'Beijing' and views > 10 and not graduate";
  const v1::CountResponse before = Count(expression);
  Stop();
  Start();
  const v1::CountResponse after = Count(expression);
  EXPECT_EQ(after.count(), before.count());
  EXPECT_EQ(after.info().data_version(), before.info().data_version());
}

v1::ColumnBatch CityBatch(uint64_t users, const std::string& city, uint64_t number) {
  v1::ColumnBatch batch;
  batch.set_batch_number(number);
  v1::TagColumn* column = batch.add_columns();
  column->set_tag("city");
  column->mutable_categories()->add_values(city);
  for (uint64_t id = 0; id < users; ++id) {
    batch.mutable_ids()->mutable_numbers()->add_values(id);
    column->mutable_categories()->add_codes(0);
  }
  return batch;
}

TEST_F(WholeWriteTest, ReplaceShowsTheNewContentAtTheEnd) {
  v1::LoadSummary summary;
  v1::LoadHeader header = Header(v1::LOAD_MODE_REPLACE, {"city"});
  grpc::Status status = Load(header, {CityBatch(7, "Paris", 1)}, &summary);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION) << status.error_message();
  EXPECT_EQ(DetailOf(status).reason(), "COVERAGE_FALL");
  header.set_confirm_coverage_fall(true);
  status = Load(header, {CityBatch(7, "Paris", 1)}, &summary);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(summary.rows(), 7u);
  EXPECT_EQ(Count("exists(city)").count(), 7u);
  EXPECT_EQ(Count("city = 'Paris'").count(), 7u);
}

TEST_F(WholeWriteTest, ABrokenReplaceLeavesTheOldContent) {
  for (int round = 0; round < 20; ++round) {
    grpc::ClientContext context;
    const auto stream = users_->Load(&context);
    v1::LoadRequest request;
    *request.mutable_header() = Header(v1::LOAD_MODE_REPLACE, {"city"});
    ASSERT_TRUE(stream->Write(request));
    *request.mutable_batch() = CityBatch(7, "Paris", 1);
    stream->Write(request);
    v1::LoadResponse response;
    // Every other client goes away once its batch is staged, the others before.
    if (round % 2 == 0) stream->Read(&response);
    context.TryCancel();
    stream->Finish();
  }
  // The next REPLACE may have to wait until the last one is given up.
  v1::LoadSummary summary;
  grpc::Status status;
  do {
    status = Load(Header(v1::LOAD_MODE_REPLACE, {"likes"}), {}, &summary);
  } while (status.error_code() == grpc::StatusCode::ABORTED);
  EXPECT_EQ(Count("city = 'Paris'").count(), 0u);
  EXPECT_EQ(Count("city = 'Beijing'").count(), 300u);
}

TEST_F(WholeWriteTest, ABatchOfALoadIdIsTakenOnce) {
  v1::LoadHeader header = Header(v1::LOAD_MODE_UPSERT, {"city"});
  header.set_load_id("nightly");
  v1::LoadSummary summary;
  ASSERT_TRUE(Load(header, {CityBatch(7, "Paris", 1)}, &summary).ok());
  ASSERT_TRUE(Load(header, {CityBatch(7, "Paris", 1), CityBatch(3, "Rome", 2)}, &summary).ok());
  EXPECT_EQ(summary.batches_repeated(), 1u);
  EXPECT_EQ(Count("city = 'Paris'").count(), 4u);
  EXPECT_EQ(Count("city = 'Rome'").count(), 3u);
}

TEST_F(WholeWriteTest, LoadsThatCannotWorkAreRefused) {
  v1::LoadSummary summary;
  const auto reason = [&](const v1::LoadHeader& header,
                          const std::vector<v1::ColumnBatch>& batches) {
    const grpc::Status status = Load(header, batches, &summary);
    EXPECT_FALSE(status.ok());
    return DetailOf(status).reason() + " at " + DetailOf(status).field();
  };
  EXPECT_EQ(reason(v1::LoadHeader(), {}), "UNSPECIFIED at header.mode");
  EXPECT_EQ(reason(Header(v1::LOAD_MODE_UPSERT, {"citty"}), {}), "UNKNOWN_TAG at header.tags[0]");
  v1::ColumnBatch batch = CityBatch(3, "Paris", 1);
  batch.mutable_columns(0)->clear_categories();
  EXPECT_EQ(reason(Header(v1::LOAD_MODE_UPSERT, {"city"}), {batch}),
            "REQUIRED at batch.columns[0].values");
  batch = CityBatch(3, "Paris", 1);
  batch.mutable_columns(0)->mutable_categories()->set_codes(2, 9);  // beyond its one value
  const std::string bad = reason(Header(v1::LOAD_MODE_UPSERT, {"city"}), {batch});
  EXPECT_EQ(bad.substr(0, 9), "BAD_BATCH") << bad;
  EXPECT_EQ(Count("city = 'Paris'").count(), 0u);
  // Without a header.
  grpc::ClientContext context;
  const auto stream = users_->Load(&context);
  v1::LoadRequest request;
  *request.mutable_batch() = CityBatch(1, "Paris", 1);
  stream->Write(request);
  stream->WritesDone();
  EXPECT_EQ(DetailOf(stream->Finish()).reason(), "BAD_LOAD_ORDER");
}

TEST_F(WholeWriteTest, TagsAreMadeOnceAndChangedByMask) {
  EXPECT_EQ(CreateTag("city", v1::TAG_TYPE_CATEGORY).error_code(),
            grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(DetailOf(CreateTag("x", v1::TAG_TYPE_UNSPECIFIED)).field(), "tag.type");
  v1::UpdateTagRequest request;
  request.mutable_tag()->set_name("populations/default/tags/city");
  request.mutable_tag()->set_owner("growth");
  request.mutable_tag()->set_description("not in the mask");
  request.mutable_update_mask()->add_paths("owner");
  grpc::ClientContext context;
  v1::Tag tag;
  const grpc::Status status = tags_->UpdateTag(&context, request, &tag);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(tag.owner(), "growth");
  EXPECT_EQ(tag.description(), "");
  EXPECT_EQ(tag.user_count(), 900u);
  EXPECT_EQ(tag.value_count(), 2u);
}

TEST_F(WholeWriteTest, PopulationsShareNothing) {
  grpc::ClientContext context;
  v1::CreatePopulationRequest request;
  request.set_population_id("owners");
  v1::Population population;
  const grpc::Status status = populations_->CreatePopulation(&context, request, &population);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(population.name(), "populations/owners");
  EXPECT_EQ(population.primary_id_type(), "user_id");
  v1::Selection selection;
  selection.set_population("populations/owners");
  selection.set_expression("exists(city)");
  EXPECT_EQ(DetailOf(CountStatus(selection)).reason(), "UNKNOWN_TAG");
  v1::ListPopulationsRequest list;
  list.set_page_size(1);
  std::vector<std::string> names;
  do {
    grpc::ClientContext list_context;
    v1::ListPopulationsResponse response;
    ASSERT_TRUE(populations_->ListPopulations(&list_context, list, &response).ok());
    for (const v1::Population& listed : response.populations()) names.push_back(listed.name());
    list.set_page_token(response.next_page_token());
  } while (!list.page_token().empty());
  EXPECT_EQ(names, (std::vector<std::string>{"populations/default", "populations/owners"}));
}

// A call of one answer.
template <typename Method, typename Stub, typename Request, typename Response>
grpc::Status Call(Method method, const Stub& stub, const Request& request, Response* response) {
  grpc::ClientContext context;
  return (stub.get()->*method)(&context, request, response);
}

v1::CreateIdTypeRequest PhoneType() {
  v1::CreateIdTypeRequest create;
  create.set_id_type_id("phone");
  create.mutable_id_type()->add_normalizers(v1::ID_NORMALIZER_PHONE_DIGITS);
  return create;
}

TEST_F(WholeWriteTest, IdTypesAreDeclaredAndListed) {
  v1::CreateIdTypeRequest create = PhoneType();
  v1::IdType type;
  ASSERT_TRUE(Call(&v1::PopulationService::Stub::CreateIdType, populations_, create, &type).ok());
  EXPECT_EQ(type.name(), "populations/default/idTypes/phone");
  EXPECT_FALSE(type.primary());
  grpc::Status status =
      Call(&v1::PopulationService::Stub::CreateIdType, populations_, create, &type);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(DetailOf(status).field(), "id_type_id");
  create.mutable_id_type()->add_normalizers(v1::ID_NORMALIZER_UNSPECIFIED);
  status = Call(&v1::PopulationService::Stub::CreateIdType, populations_, create, &type);
  EXPECT_EQ(DetailOf(status).field(), "id_type.normalizers[1]");
  v1::ListIdTypesResponse types;
  ASSERT_TRUE(Call(&v1::PopulationService::Stub::ListIdTypes, populations_,
                   v1::ListIdTypesRequest(), &types)
                  .ok());
  ASSERT_EQ(types.id_types_size(), 2);
  EXPECT_TRUE(types.id_types(0).primary());
}

TEST_F(WholeWriteTest, IdsAreLinkedResolvedAndErased) {
  v1::CreateIdTypeRequest create = PhoneType();
  v1::IdType type;
  ASSERT_TRUE(Call(&v1::PopulationService::Stub::CreateIdType, populations_, create, &type).ok());

  v1::LinkIdsRequest link;
  link.add_entries()->set_id("7");
  link.mutable_entries(0)->add_ids()->set_id_type("phone");
  link.mutable_entries(0)->mutable_ids(0)->set_id("+1 38");
  v1::LinkIdsResponse linked;
  grpc::Status status = Call(&v1::UserService::Stub::LinkIds, users_, link, &linked);
  EXPECT_EQ(DetailOf(status).field(), "unknown_ids");
  link.set_unknown_ids(v1::UNKNOWN_IDS_ERROR);
  ASSERT_TRUE(Call(&v1::UserService::Stub::LinkIds, users_, link, &linked).ok());
  EXPECT_EQ(linked.ids_linked(), 1u);
  link.mutable_entries(0)->set_id("8");
  status = Call(&v1::UserService::Stub::LinkIds, users_, link, &linked);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(DetailOf(status).reason(), "ID_TAKEN");

  v1::ResolveIdsRequest resolve;
  resolve.set_from_type("phone");
  resolve.add_ids("1-38");
  resolve.add_ids("139");
  v1::ResolveIdsResponse resolved;
  ASSERT_TRUE(Call(&v1::UserService::Stub::ResolveIds, users_, resolve, &resolved).ok());
  ASSERT_EQ(resolved.results_size(), 2);
  EXPECT_EQ(resolved.results(0).ids(0), "7");
  EXPECT_FALSE(resolved.results(1).found());
  resolve.set_read_version(1'000'000);
  status = Call(&v1::UserService::Stub::ResolveIds, users_, resolve, &resolved);
  EXPECT_EQ(DetailOf(status).field(), "read_version");

  v1::EraseUsersRequest erase;
  erase.add_users()->set_id_type("phone");
  erase.mutable_users(0)->set_id("138");
  erase.set_request_id("forget");
  v1::EraseUsersResponse first;
  ASSERT_TRUE(Call(&v1::UserService::Stub::EraseUsers, users_, erase, &first).ok());
  EXPECT_EQ(first.users_erased(), 1u);
  EXPECT_EQ(first.users(0).ids_removed(), 2u);
  EXPECT_EQ(Count("all()").count(), kUsers - 1);
  v1::EraseUsersResponse second;
  ASSERT_TRUE(Call(&v1::UserService::Stub::EraseUsers, users_, erase, &second).ok());
  EXPECT_EQ(second.DebugString(), first.DebugString());
  erase.mutable_users(0)->set_id_type("fax");
  erase.clear_request_id();
  status = Call(&v1::UserService::Stub::EraseUsers, users_, erase, &second);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(DetailOf(status).field(), "users[0].id_type");
}

}  // namespace
}  // namespace throng::service
