#include "server/service/message_codec.h"

#include <gtest/gtest.h>

#include <string>

#include "grpcpp/support/slice.h"
#include "server/service/convert_selection.h"
#include "server/service/service_limits.h"
#include "tests/service/status_matchers.h"
#include "throng/v1/selection.pb.h"

namespace throng::service {
namespace {

grpc::ByteBuffer Bytes(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

v1::CountRequest DeepRequest(int depth) {
  v1::CountRequest request;
  v1::Expression* place = request.mutable_selection()->mutable_tree();
  for (int i = 1; i < depth; ++i) {
    place->mutable_conjunction()->add_operands()->mutable_all_users();
    place = place->mutable_conjunction()->add_operands();
  }
  place->mutable_all_users();
  return request;
}

TEST(MessageCodecTest, MessagesComeBack) {
  v1::CountRequest request;
  request.mutable_selection()->set_expression(std::string(3 << 20, 'x'));
  grpc::ByteBuffer bytes;
  ASSERT_TRUE(SerializeMessage(request, &bytes).ok());
  v1::CountRequest back;
  ASSERT_TRUE(ParseMessage(bytes, bytes.Length(), &back).ok());
  EXPECT_EQ(back.SerializeAsString(), request.SerializeAsString());
  EXPECT_EQ(ReasonOf(ParseMessage(bytes, bytes.Length() - 1, &back)), "REQUEST_TOO_LARGE at ");
}

TEST(MessageCodecTest, TheEmptyMessageIsOne) {
  grpc::ByteBuffer bytes;
  ASSERT_TRUE(SerializeMessage(v1::CountRequest(), &bytes).ok());
  v1::CountRequest back;
  EXPECT_TRUE(ParseMessage(bytes, 0, &back).ok());
  EXPECT_TRUE(ParseMessage(grpc::ByteBuffer(), 0, &back).ok());
}

TEST(MessageCodecTest, SaysThatAMessageIsBroken) {
  v1::CountRequest request;
  request.mutable_selection()->set_expression("city = 'Paris'");
  const std::string good = request.SerializeAsString();
  for (const std::string& bytes :
       {good.substr(0, good.size() - 1), std::string("\xff\xff\xff"), std::string(1, '\x04')}) {
    EXPECT_EQ(ReasonOf(ParseMessage(Bytes(bytes), 100, &request)), "BAD_MESSAGE at ");
  }
}

// Nobody fills the server's log with broken messages.
TEST(MessageCodecTest, TextThatIsNotUtf8IsRefusedInSilence) {
  v1::CountRequest request;
  ::testing::internal::CaptureStderr();
  const absl::Status status = ParseMessage(Bytes("\x0a\x03\x12\x01\xff"), 100, &request);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(ReasonOf(status), "BAD_MESSAGE at ");
}

TEST(MessageCodecTest, TreesOfFullDepthArrive) {
  // Protobuf's own bound of 100 nested messages would end at about 49 levels.
  for (const int depth : {48, 64}) {
    v1::CountRequest back;
    ASSERT_TRUE(ParseMessage(Bytes(DeepRequest(depth).SerializeAsString()), 1 << 20, &back).ok());
    EXPECT_TRUE(ToSelection(back.selection(), {}, FieldPath("selection")).ok());
  }
  v1::CountRequest back;
  ASSERT_TRUE(ParseMessage(Bytes(DeepRequest(65).SerializeAsString()), 1 << 20, &back).ok());
  EXPECT_EQ(
      index::GetErrorDetail(ToSelection(back.selection(), {}, FieldPath("selection")).status())
          ->reason,
      "EXPRESSION_TOO_DEEP");
  const absl::Status endless =
      ParseMessage(Bytes(DeepRequest(5'000).SerializeAsString()), 1 << 20, &back);
  EXPECT_EQ(ReasonOf(endless), "BAD_MESSAGE at ");
}

}  // namespace
}  // namespace throng::service
