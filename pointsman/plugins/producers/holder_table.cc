#include "pointsman/plugins/producers/holder_table.h"

#include <algorithm>

namespace pointsman {
namespace {

constexpr std::size_t kFirstNodes = 16;
constexpr unsigned kFirstOrder = 2;

}  // namespace

const HolderTable::Node* HolderTable::find(std::uint64_t hash) const {
  const Node* const first = first_.load(std::memory_order_relaxed);
  if (first == nullptr) return nullptr;
  for (std::size_t at = home(hash);; at = (at + 1) & mask()) {
    const Node& node = first[at];
    if (node.count == 0) return nullptr;
    if (node.hash == hash) return &node;
  }
}

std::optional<std::uint32_t> HolderTable::entry(std::uint64_t hash, std::uint16_t slot) const {
  const Node* const node = find(hash);
  if (node == nullptr) return std::nullopt;
  if (node->count == 1) {
    return node->slot == slot ? std::optional(node->entry) : std::nullopt;
  }
  const auto holders = array(*node);
  const auto found = std::ranges::find(holders, slot, &Holder::slot);
  return found == holders.end() ? std::nullopt : std::optional(found->entry);
}

bool HolderTable::add(std::uint64_t hash, Holder holder) {
  Node* const node = find(hash);
  if (node == nullptr) {
    if (8 * (std::size_t{used_} + 1) > 5 * nodes_.size()) grow();
    insert({hash, holder.entry, holder.slot, 1});
    ++used_;
    return true;
  }
  if (entry(hash, holder.slot)) return false;
  if (node->count == 1) {
    const Holder first{node->entry, node->slot};
    node->entry = allocate(kFirstOrder);
    node->slot = kFirstOrder;
    array(*node, 1)[0] = first;
  } else if (node->count == 1U << node->slot) {
    const std::uint32_t old = node->entry;
    const std::uint32_t wider = allocate(node->slot + 1U);
    const auto from = array(*node, node->count);
    node->entry = wider;
    ++node->slot;
    std::ranges::copy(from, array(*node, node->count).begin());
    pools_->at(node->slot - 1U).free.push_back(old);
  }
  ++node->count;
  array(*node, node->count).back() = holder;
  return true;
}

void HolderTable::remove(std::uint64_t hash, std::uint16_t slot) {
  Node* const node = find(hash);
  if (node == nullptr) return;
  if (node->count == 1) {
    if (node->slot == slot) erase(static_cast<std::size_t>(node - nodes_.data()));
    return;
  }
  const auto holders = array(*node, node->count);
  const auto found = std::ranges::find(holders, slot, &Holder::slot);
  if (found == holders.end()) return;
  *found = holders.back();
  --node->count;
  if (node->count > 1) return;
  const Holder last = holders.front();
  pools_->at(node->slot).free.push_back(node->entry);
  node->entry = last.entry;
  node->slot = last.slot;
}

// REQUIRES: there is a free node.
void HolderTable::insert(const Node& node) {
  std::size_t at = home(node.hash);
  while (nodes_[at].count != 0) at = (at + 1) & mask();
  nodes_[at] = node;
}

// Frees the node and closes the gap: whatever stands behind it and could stand in it, moves there.
void HolderTable::erase(std::size_t at) {
  for (std::size_t next = (at + 1) & mask(); nodes_[next].count != 0; next = (next + 1) & mask()) {
    const std::size_t from_home = (next - home(nodes_[next].hash)) & mask();
    if (from_home >= ((next - at) & mask())) {
      nodes_[at] = nodes_[next];
      at = next;
    }
  }
  nodes_[at] = {};
  --used_;
}

void HolderTable::grow() {
  std::vector<Node> old(std::max(kFirstNodes, 2 * nodes_.size()));
  old.swap(nodes_);
  first_.store(nodes_.data(), std::memory_order_relaxed);
  mask_.store(static_cast<std::uint32_t>(nodes_.size() - 1), std::memory_order_relaxed);
  for (const Node& node : old) {
    if (node.count != 0) insert(node);
  }
}

std::span<const Holder> HolderTable::array(const Node& node) const {
  return std::span(pools_->at(node.slot).holders)
      .subspan(std::size_t{node.entry} << node.slot, node.count);
}

std::span<Holder> HolderTable::array(const Node& node, std::size_t count) {
  return std::span(pools_->at(node.slot).holders)
      .subspan(std::size_t{node.entry} << node.slot, count);
}

std::uint32_t HolderTable::allocate(unsigned order) {
  if (pools_ == nullptr) pools_ = std::make_unique<std::array<Pool, 17>>();
  Pool& pool = pools_->at(order);
  if (pool.free.empty()) {
    const auto number = static_cast<std::uint32_t>(pool.holders.size() >> order);
    pool.holders.resize(pool.holders.size() + (std::size_t{1} << order));
    return number;
  }
  const std::uint32_t number = pool.free.back();
  pool.free.pop_back();
  return number;
}

}  // namespace pointsman
