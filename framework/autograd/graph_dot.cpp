#include "framework/autograd/graph_dot.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_set>
#include <vector>

#include "framework/autograd/node.h"
#include "framework/core/error.h"

namespace heed {
namespace {

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (c == '\n') {
      result += "\\n";
    } else {
      result += c;
    }
  }
  return result + "\"";
}

// All reachable nodes: first ops by falling sequence number, then leaves in the order in which they were
// found.
std::vector<Node*> nodes_below(Node* root) {
  std::vector<Node*> found{root};
  std::unordered_set<const Node*> seen{root};
  for (size_t i = 0; i < found.size(); ++i) {
    for (int e = 0; e < found[i]->edge_count(); ++e) {
      Node* const next = found[i]->edge(e).node.get();
      if (next && seen.insert(next).second) found.push_back(next);
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Node* a, const Node* b) { return a->sequence > b->sequence; });
  return found;
}

std::string op_label(const Node& node) {
  std::string label = node.name(), kept;
  for (const SavedTensor& saved : node.kept()) {
    const std::string what = saved.edge >= 0         ? "input " + std::to_string(saved.edge) + " anew"
                             : saved.value.defined() ? saved.value.describe()
                                                     : "";
    if (!what.empty()) kept += (kept.empty() ? "\nkeeps " : ", ") + what;
  }
  return label + kept;
}

std::string leaf_label(const LeafNode& leaf, const std::map<const TensorBody*, std::string>& names) {
  if (!leaf.body) return "gone";
  const auto name = names.find(leaf.body);
  return (name == names.end() ? "leaf" : name->second) + "\n" +
         Tensor(IntrusivePtr<TensorBody>(leaf.body)).describe();
}

}  // namespace

std::string graph_dot(const Tensor& y, std::span<const std::pair<std::string, Tensor>> leaves) {
  const Edge root = gradient_edge(y);
  if (!root.node) throw GradError("graph_dot", "nothing that the tensor was made from wants a gradient");
  std::map<const TensorBody*, std::string> names;
  for (const auto& [name, x] : leaves) names.emplace(x.body(), name);
  const std::vector<Node*> nodes = nodes_below(root.node.get());
  std::map<const Node*, size_t> number;
  for (size_t i = 0; i < nodes.size(); ++i) number.emplace(nodes[i], i);

  std::string text = "digraph graph_of_backward {\n  node [shape=box, fontname=\"sans-serif\"];\n";
  for (size_t i = 0; i < nodes.size(); ++i) {
    const auto* const leaf = dynamic_cast<const LeafNode*>(nodes[i]);
    text +=
        fmt::format("  n{} [label={}{}];\n", i, quoted(leaf ? leaf_label(*leaf, names) : op_label(*nodes[i])),
                    leaf ? ", shape=ellipse" : "");
  }
  for (size_t i = 0; i < nodes.size(); ++i) {
    for (int e = 0; e < nodes[i]->edge_count(); ++e) {
      const Edge& edge = nodes[i]->edge(e);
      if (!edge.node) continue;
      const std::string which =
          edge.node->output_count() > 1 ? fmt::format(" [label=\"output {}\"]", edge.output) : "";
      text += fmt::format("  n{} -> n{}{};\n", number.at(edge.node.get()), i, which);
    }
  }
  text += fmt::format("  y [label={}, shape=plaintext];\n  n0 -> y;\n}}\n", quoted(y.describe()));
  return text;
}

}  // namespace heed
