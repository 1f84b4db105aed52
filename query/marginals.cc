#include "query/marginals.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

#include "index/chunk_ops.h"
#include "index/scratch_pool.h"
#include "query/condition_tree.h"
#include "query/evaluator.h"
#include "query/leaf_reader.h"
#include "query/marginal_words.h"
#include "query/normalizer.h"
#include "query/shard_loop.h"

namespace throng::query {
namespace {

using index::ChunkSet;
using index::SetKind;
using Kind = ConditionNode::Kind;

// Some users of a chunk as words; null: everybody that the chunk has room for.
struct Domain {
  const uint64_t* words = nullptr;
  uint32_t cardinality = index::kChunkSize;

  ChunkSet set() const {
    return words == nullptr ? ChunkSet::Full() : ChunkSet::Bitset(words, cardinality);
  }
};

// One condition's users.
class ConditionReader {
 public:
  ConditionReader(const PhysicalPlan& plan, const index::Snapshot& snapshot) {
    if (InputsOf(plan) == nullptr) {
      leaf_ = std::make_unique<LeafReader>(plan, snapshot);
    } else {
      evaluator_ = std::make_unique<Evaluator>(plan, snapshot, Profiling::kNone);
    }
  }

  void StartShard(uint32_t shard) {
    any_ = (leaf_ != nullptr ? leaf_->StartShard(shard) : evaluator_->StartShard(shard)) != 0;
  }

  // Valid until the next call.
  ChunkSet Read(uint32_t chunk) {
    if (!any_) return ChunkSet::Empty();
    return leaf_ == nullptr ? evaluator_->Evaluate(chunk) : leaf_->Read(chunk);
  }

 private:
  std::unique_ptr<LeafReader> leaf_;
  std::unique_ptr<Evaluator> evaluator_;
  bool any_ = false;  // of the shard at hand
};

// The tree of conditions in a flat form, shared by the workers.
struct Node {
  Kind kind = Kind::kNobody;
  uint32_t condition = 0;
  std::vector<uint32_t> operands;
  // How the node's set becomes what its parent adds up: who fails it, for an and; who matches it,
  // for an or. The set of a leaf is who matches it; of an inner node, who is in any of what it adds
  // up.
  bool inverted = false;
  // Of inner nodes: whether the crowd grows when an operand is taken out.
  bool grows = false;
};

class Tree {
 public:
  explicit Tree(const ConditionNode& root) {
    if (root.kind == Kind::kAnd || root.kind == Kind::kOr) {
      root_negated_ = root.negated;
      Add(root, false, false);
    } else {
      // A single condition is the only operand of an and.
      Add({.kind = Kind::kAnd, .operands = {root}}, false, false);
    }
  }

  const std::vector<Node>& nodes() const { return nodes_; }
  const Node& root() const { return nodes_[0]; }
  // Whether the crowd is who is in no operand's set of the root.
  bool crowd_is_complement() const { return (root().kind == Kind::kAnd) != root_negated_; }
  bool has_steps() const { return root().kind == Kind::kAnd && !root_negated_; }

 private:
  // `odd`: an odd number of nots stands before the parent.
  uint32_t Add(const ConditionNode& node, bool odd, bool parent_is_and) {
    const auto number = static_cast<uint32_t>(nodes_.size());
    nodes_.push_back({.kind = node.kind, .condition = node.condition});
    const bool inner = node.kind == Kind::kAnd || node.kind == Kind::kOr;
    const bool is_and = node.kind == Kind::kAnd;
    const bool negated_here = odd != node.negated;
    nodes_[number].inverted = (node.negated != parent_is_and) != (inner && is_and);
    nodes_[number].grows = is_and != negated_here;
    for (const ConditionNode& operand : node.operands) {
      const uint32_t added = Add(operand, negated_here, is_and);
      nodes_[number].operands.push_back(added);
    }
    return number;
  }

  std::vector<Node> nodes_;  // in pre-order; the root is an and or an or
  bool root_negated_ = false;
};

// What one worker counts, chunk by chunk.
class MarginalCounter {
 public:
  MarginalCounter(const Tree& tree, const std::vector<PhysicalPlan>& plans,
                  const PhysicalPlan& everybody, const index::Snapshot& snapshot)
      : tree_(tree),
        own_(plans.size()),
        everybody_(everybody, snapshot),
        states_(tree.nodes().size()),
        changed_(plans.size()),
        left_(tree.has_steps() ? tree.root().operands.size() : 1) {
    for (const PhysicalPlan& plan : plans) {
      readers_.push_back(std::make_unique<ConditionReader>(plan, snapshot));
    }
    for (size_t i = 0; i < states_.size(); ++i) {
      const Kind kind = tree.nodes()[i].kind;
      states_[i].own = index::TakeScratch();
      if (kind != Kind::kAnd && kind != Kind::kOr) continue;
      states_[i].domain = index::TakeScratch();
      states_[i].twos = index::TakeScratch();
    }
    for (index::ScratchRef& scratch : scratch_) scratch = index::TakeScratch();
  }

  void StartShard(uint32_t shard) {
    everybody_.StartShard(shard);
    for (const std::unique_ptr<ConditionReader>& reader : readers_) reader->StartShard(shard);
  }

  void Count(uint32_t chunk) {
    const Domain all = Everybody(chunk);
    if (all.cardinality == 0) return;
    Gather(0, chunk);
    const State& root = states_[0];
    const uint32_t in_none = Without(all.words, root.own->bits.words, scratch_[0]->bits.words);
    count_ += tree_.crowd_is_complement() ? in_none : all.cardinality - in_none;
    if (tree_.has_steps()) AddSteps(all);
    AddChanged(0, all);
  }

  void AddTo(Marginals* sum) const {
    sum->count += count_;
    for (size_t i = 0; i < sum->own.size(); ++i) sum->own[i] += own_[i];
    for (size_t i = 0; i < changed_.size(); ++i) sum->changed[i] += changed_[i];
    for (size_t i = 0; i < left_.size(); ++i) sum->left[i] += left_[i];
  }

 private:
  // Of one node in the chunk at hand.
  struct State {
    ChunkSet set;           // see Node::inverted
    index::ScratchRef own;  // of a leaf: its set as words; of an inner node: who is in one at least
    index::ScratchRef twos;    // who is in two at least
    index::ScratchRef domain;  // whom the siblings leave to it
    std::vector<WordsOperand> operands;
  };

  Domain Everybody(uint32_t chunk) {
    const ChunkSet all = everybody_.Read(chunk);
    if (all.kind == SetKind::kFull) return {};
    uint64_t* words = states_[0].domain->bits.words;
    if (all.empty()) return {words, 0};
    if (all.kind == SetKind::kBitset) return {all.words, all.cardinality};
    index::CopyTo(all, words);
    return {words, all.cardinality};
  }

  // The operand as its parent adds it up.
  WordsOperand AsWords(uint32_t number) {
    State& state = states_[number];
    if (state.set.kind != SetKind::kBitset) {
      index::CopyTo(state.set, state.own->bits.words);
      return {state.own->bits.words, Invert(number)};
    }
    return {state.set.words, Invert(number)};
  }
  uint64_t Invert(uint32_t number) const {
    return tree_.nodes()[number].inverted ? ~uint64_t{0} : 0;
  }

  // Evaluates the operands of an inner node and adds them up.
  void Gather(uint32_t number, uint32_t chunk) {
    std::vector<WordsOperand>& operands = states_[number].operands;
    operands.clear();
    for (const uint32_t operand : tree_.nodes()[number].operands) {
      const Node& node = tree_.nodes()[operand];
      State& state = states_[operand];
      switch (node.kind) {
        case Kind::kAnd:
        case Kind::kOr:
          Gather(operand, chunk);
          state.set = index::ViewOf(state.own->bits.words);
          break;
        case Kind::kCondition:
          state.set = readers_[node.condition]->Read(chunk);
          own_[node.condition] += state.set.cardinality;
          break;
        case Kind::kEverybody:
          state.set = ChunkSet::Full();
          break;
        case Kind::kNobody:
          state.set = ChunkSet::Empty();
          break;
      }
      operands.push_back(AsWords(operand));
    }
    AddOperands(operands, states_[number].own->bits.words, Twos(number));
  }
  uint64_t* Twos(uint32_t number) { return states_[number].twos->bits.words; }

  // The waterfall: the operands of the root, one after the other.
  void AddSteps(const Domain& all) {
    ChunkSet users = all.set();
    uint32_t turn = 0;
    const std::vector<uint32_t>& operands = tree_.root().operands;
    for (size_t i = 0; i < operands.size() && !users.empty(); ++i) {
      const ChunkSet before = users;
      // What the root adds up is who fails the operand.
      const ChunkSet& set = states_[operands[i]].set;
      index::ChunkScratch& out = *scratch_[1 + turn];
      users = tree_.nodes()[operands[i]].inverted ? index::Intersect(users, set, out)
                                                  : index::Subtract(users, set, out);
      if (users.words != before.words) turn ^= 1;
      left_[i] += users.cardinality;
    }
  }

  // Adds up for whom each condition alone decides. The crowd depends on the node for those of
  // `deciding`.
  void AddChanged(uint32_t number, const Domain& deciding) {
    if (deciding.cardinality == 0) return;
    const uint64_t* ones = states_[number].own->bits.words;
    index::ChunkScratch& scratch = *scratch_[0];
    const uint32_t alone = ExactlyOne(deciding.words, ones, Twos(number), scratch.bits.words);
    const ChunkSet in_one = index::Settle(scratch, alone);
    for (const uint32_t operand : tree_.nodes()[number].operands) {
      const Node& node = tree_.nodes()[operand];
      if (node.kind != Kind::kCondition || alone == 0) continue;
      const uint32_t both = index::IntersectCardinality(in_one, states_[operand].set);
      changed_[node.condition] += node.inverted ? alone - both : both;
    }
    for (const uint32_t operand : tree_.nodes()[number].operands) {
      const Node& node = tree_.nodes()[operand];
      if (node.kind != Kind::kAnd && node.kind != Kind::kOr) continue;
      uint64_t* room = states_[operand].domain->bits.words;
      const WordsOperand own{states_[operand].own->bits.words, Invert(operand)};
      AddChanged(operand, {room, InNoOther(deciding.words, ones, Twos(number), own, room)});
    }
  }

  const Tree& tree_;
  std::vector<uint64_t> own_;
  ConditionReader everybody_;
  std::vector<std::unique_ptr<ConditionReader>> readers_;  // by condition
  std::vector<State> states_;                              // by node
  index::ScratchRef scratch_[3];
  uint64_t count_ = 0;
  std::vector<uint64_t> changed_;
  std::vector<uint64_t> left_;
};

// How much `changed` adds to the count, or takes from it, by condition.
std::vector<uint64_t> CountsWithout(const Tree& tree, const Marginals& marginals) {
  std::vector<uint64_t> without(marginals.changed.size());
  for (const Node& node : tree.nodes()) {
    for (const uint32_t operand : node.operands) {
      const Node& leaf = tree.nodes()[operand];
      if (leaf.kind != Kind::kCondition) continue;
      const uint64_t changed = marginals.changed[leaf.condition];
      without[leaf.condition] = node.grows ? marginals.count + changed : marginals.count - changed;
    }
  }
  return without;
}

size_t NodesOf(const ConditionNode& node) {
  size_t nodes = 1;
  for (const ConditionNode& operand : node.operands) nodes += NodesOf(operand);
  return nodes;
}

}  // namespace

size_t MarginalNodesOf(const Expression& expression) {
  return NodesOf(MakeConditionTree(expression));
}

std::vector<const Expression*> WaterfallOperands(const Expression& expression) {
  const Expression* root = &WithoutLimit(expression);
  bool negated = false;
  while (const auto* negation = std::get_if<Not>(&root->node)) {
    root = &negation->operand[0];
    negated = !negated;
  }
  const auto* conjunction = std::get_if<And>(&root->node);
  if (conjunction == nullptr || negated) return {&WithoutLimit(expression)};
  std::vector<const Expression*> operands;
  for (const Expression& operand : conjunction->operands) operands.push_back(&operand);
  return operands;
}

absl::StatusOr<Marginals> CountMarginals(const Expression& expression,
                                         const std::vector<ResolvedCondition>& conditions,
                                         const index::Snapshot& snapshot, index::Parallel& parallel,
                                         const Check& check) {
  const Tree tree(MakeConditionTree(expression));
  std::vector<PhysicalPlan> plans;
  for (const ResolvedCondition& condition : conditions) {
    plans.push_back(MakePhysicalPlan(Normalize(condition.plan, snapshot.catalogue()), snapshot));
  }
  const PhysicalPlan everybody{.node = Everybody{}, .users_max = snapshot.user_count()};
  std::vector<std::unique_ptr<MarginalCounter>> counters(parallel.threads());
  const absl::Status status = ShardLoop(check).Run(
      snapshot.shard_count(), snapshot.user_count() <= kInlineUsersMax, parallel,
      [&](uint32_t shard, uint32_t worker) {
        if (counters[worker] == nullptr) {
          counters[worker] = std::make_unique<MarginalCounter>(tree, plans, everybody, snapshot);
        }
        counters[worker]->StartShard(shard);
        for (uint32_t c = 0; c < index::kChunksPerShard; ++c) counters[worker]->Count(c);
      });
  if (!status.ok()) return status;
  Marginals marginals{
      .own = std::vector<uint64_t>(plans.size()),
      .changed = std::vector<uint64_t>(plans.size()),
      .left = std::vector<uint64_t>(tree.has_steps() ? tree.root().operands.size() : 1)};
  for (const std::unique_ptr<MarginalCounter>& counter : counters) {
    if (counter != nullptr) counter->AddTo(&marginals);
  }
  if (!tree.has_steps()) marginals.left[0] = marginals.count;
  marginals.without = CountsWithout(tree, marginals);
  return marginals;
}

}  // namespace throng::query
