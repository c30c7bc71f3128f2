#include "report/uco/case_jsonld.hpp"

#include "report/uco/graph.hpp"

namespace trimcarve::report {

void write_case_jsonld(const Examination& examination, const std::vector<std::string>& command, std::string_view seed, const Sink& sink) {
  Graph graph(examination, seed, sink);
  graph.begin();
  put_inputs_graph(graph, command);
  put_targets_graph(graph);
  put_files_graph(graph);
  put_provenance_graph(graph);
  graph.finish();
}

}  // namespace trimcarve::report
