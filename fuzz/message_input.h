// Inputs of fuzzers that are protobuf messages: a line with a name, then messages, as text or as
// bytes. People write seeds as text:
//
//   UploadService/UploadIds
//   header { crowd: "populations/default/crowds/vip" }
//   ---
//   ids { texts { data: "u1u2" ends: 2 ends: 4 } }
//
//   const MessageInput input = SplitInput(bytes);
//   if (ParseMessage(input.bodies[0], &message)) ...
//   Mutate(message, random);                  // what LLVMFuzzerCustomMutator does to each
//
// A body that begins with a zero byte is the encoded message behind it. A fuzzer that links this
// says nothing of what protobuf logs: LLVMFuzzerInitialize is here. Types are values,
// thread-compatible; functions are thread-safe.
#ifndef THRONG_FUZZ_MESSAGE_INPUT_H_
#define THRONG_FUZZ_MESSAGE_INPUT_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace throng::fuzz {

// Views of the input. Thread-compatible.
struct MessageInput {
  std::string_view name;
  std::vector<std::string_view> bodies;  // at least one
};

MessageInput SplitInput(std::string_view bytes);
std::string JoinInput(std::string_view name, const std::vector<std::string>& bodies);

// False when the body is not one of `message`'s type; what it holds then is not said.
bool ParseMessage(std::string_view body, google::protobuf::Message* message);

using Random = std::minstd_rand;

// Changes one field somewhere in the message.
void Mutate(google::protobuf::Message& message, Random& random);

// Mutates an input in place: one of its messages, which are of the type `type` (null: of none that
// is known), or its bytes. Returns the new size, at most `size_max`.
size_t MutateInput(uint8_t* data, size_t size, size_t size_max, unsigned seed,
                   const google::protobuf::Descriptor* type);

}  // namespace throng::fuzz

#endif  // THRONG_FUZZ_MESSAGE_INPUT_H_
