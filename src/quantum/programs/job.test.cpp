#include "quantum/programs/job.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/json.h"
#include "quantum/programs/compress.h"
#include "quantum/programs/listing.h"
#include "quantum/programs/results.h"

namespace meridian::quantum {
namespace {

std::string program(std::string_view text, int format, bool is_zipped = true) {
    return fmt::format(R"({{"compression_format":{},"serialization":{},"serialization_format":{}}})", is_zipped ? 2 : 1,
                       to_text(Json(is_zipped ? base64(zip(text)) : std::string(text))), format);
}

std::string payload(const std::vector<std::string>& programs, std::string_view agent = "qiskit-scaleway/0.3",
                    std::string_view noise = "null") {
    return fmt::format(
        R"({{"backend":{{"name":"aer","options":{{"seed_simulator":7,"method":"statevector","precision":"single","fusion_enable":true}},"version":"0.18"}},"client":{{"user_agent":"{}"}},"noise_model":{},"programs":[{}]}})",
        agent, noise, fmt::join(programs, ","));
}

const std::string bell = "OPENQASM 3.0; include \"stdgates.inc\"; bit[2] c; qubit[2] q; h q[0]; cx q[0], q[1]; c = measure q;";
const std::string cirq_bell =
    R"({"cirq_type":"Circuit","moments":[{"cirq_type":"Moment","operations":[{"cirq_type":"GateOperation","gate":{"cirq_type":"HPowGate","exponent":1.0,"global_shift":0.0},"qubits":[{"cirq_type":"LineQubit","x":0}]}]},{"cirq_type":"Moment","operations":[{"cirq_type":"GateOperation","gate":{"cirq_type":"MeasurementGate","num_qubits":1,"key":"m","invert_mask":[]},"qubits":[{"cirq_type":"LineQubit","x":0}]}]}]})";

TEST(Job, HoldsItsCircuitsInOrder) {
    const auto job = read_job(payload({program(bell, 3), program("OPENQASM 2.0; qreg q[1]; U(1,2,3) q[0];", 2, false)}));
    ASSERT_TRUE(job) << job.error().said;
    ASSERT_EQ(job->circuits.size(), 2u);
    EXPECT_EQ(listing(job->circuits[0]), "h 0; cx 0 1; measure 0 > 0; measure 1 > 1");
    EXPECT_EQ(listing(job->circuits[1]), "u(1,2,3) 0");
    EXPECT_EQ(job->circuits[1].name, "circuit-1");
    EXPECT_EQ(job->backend.name, "aer");
    EXPECT_EQ(job->backend.seed_simulator, 7u);
    EXPECT_EQ(job->backend.method, "statevector");
    EXPECT_EQ(job->backend.precision, "single");
    EXPECT_EQ(job->client.form, AnswerForm::qiskit);
    EXPECT_FALSE(job->noise);
}

TEST(Job, MayBeEncodedSeveralTimesOver) {
    const std::string once = to_text(Json(payload({program(bell, 3)})));
    EXPECT_TRUE(read_job(to_text(Json(once))));
    std::string often = once;
    for (int k = 0; k < 10; ++k) often = to_text(Json(often));
    const auto job = read_job(often);
    ASSERT_FALSE(job);
    EXPECT_EQ(job.error().said, "the job's payload is JSON inside of JSON, too many times over");
}

TEST(Job, OfCirqIsAnsweredInItsForm) {
    EXPECT_EQ(read_job(payload({program(cirq_bell, 5)}))->client.form, AnswerForm::cirq);
    const auto job = read_job(payload(
        {program("OPENQASM 3.0;\nqubit[2] q;\nbit[1] m_a;\nbit[1] m0;  // Measurement: a b\nm_a[0] = measure q[0];\nm0[0] = measure q[1];",
                 3)},
        "cirq-scaleway/0.1.16"));
    ASSERT_TRUE(job) << job.error().said;
    EXPECT_EQ(job->client.form, AnswerForm::cirq);
    EXPECT_EQ(job->circuits[0].bit_registers[0].name, "a");
    EXPECT_EQ(job->circuits[0].bit_registers[1].name, "a b");
}

struct Row {
    std::string payload;
    std::string_view said;
};

TEST(Job, ComplaintsSayWhichCircuitAndWhere) {
    const std::string bomb = base64(zip(std::string((std::size_t{64} << 20) + 1, ' ')));
    const Row rows[] = {
        {payload({program(bell, 3), program("OPENQASM 3.0;\nqubit q;\nfoo q;", 3)}),
         "circuit 2 of 2: line 3, column 1: there is no gate 'foo' here; define it before this line"},
        {payload({program("x", 4)}), "the circuit: QIR is not read here; send OpenQASM 2 or 3"},
        {payload({program("x", 1)}), "the circuit: OpenQASM 1 is not read here; send OpenQASM 2 or 3"},
        {payload({program("x", 6)}), "the circuit: this platform runs gate circuits; choose a platform for photons or neutral atoms"},
        {payload({}), "the job's payload has no 'programs'; send at least one"},
        {"[1]", "the job's payload must be a JSON object"},
        {"{", "the job's payload cannot be read: the JSON text ends too early, at byte 1"},
        {payload({R"({"compression_format":2,"serialization":"!!","serialization_format":3})"}),
         "the circuit: its 'serialization' is not base64"},
        {payload({R"({"compression_format":2,"serialization":"AAAA","serialization_format":3})"}),
         "the circuit: this is not zlib data; compress it as RFC 1950 says"},
        {payload({R"({"compression_format":2,"serialization":"eJw=","serialization_format":3})"}),
         "the circuit: the compressed data ends too early; send it whole"},
        {payload({R"({"compression_format":9,"serialization":"","serialization_format":3})"}),
         "the circuit: its 'compression_format' must be 1 (none) or 2 (zlib and base64)"},
        {payload({fmt::format(R"({{"compression_format":2,"serialization":"{}","serialization_format":3}})", bomb)}),
         "the circuit: the compressed data unpacks to more than the limit; send a smaller program"},
        {payload({program(cirq_bell, 5), program(cirq_bell, 5)}), "a job of Cirq holds one circuit; send several jobs"},
        {payload({program(bell, 3)}, "qiskit", R"({"compression_format":1,"serialization":"{}","serialization_format":1})"),
         "the noise model: a noise model needs 'errors', a list"},
    };
    for (const Row& row : rows) {
        const auto job = read_job(row.payload);
        ASSERT_FALSE(job) << row.said;
        EXPECT_EQ(job.error().said, row.said);
    }
}

TEST(Parameters, NeedShots) {
    EXPECT_EQ(read_parameters(R"({"shots":1000,"options":{"memory":true}})")->shots, 1000u);
    EXPECT_TRUE(read_parameters(R"({"shots":1000,"options":{"memory":true}})")->memory);
    EXPECT_FALSE(read_parameters(R"("{\"shots\":5,\"options\":null}")")->memory);
    EXPECT_EQ(read_parameters("{}").error().said, "the job's parameters need 'shots', a whole number above 0");
    EXPECT_EQ(read_parameters(R"({"shots":0})").error().said, "the job's parameters need 'shots', a whole number above 0");
    EXPECT_EQ(read_parameters(R"({"shots":1e30})").error().said, "the job's parameters need 'shots', a whole number above 0");
    EXPECT_EQ(read_parameters(R"({"shots":1000000000})").error().said, "a job has at most 100000000 shots; ask for fewer");
}

std::string unpacked(const std::string& result, int format) {
    const auto json = parse_json(result);
    EXPECT_EQ(member(*json, "serialization_format")->as_int64(), format);
    return *unzip(*unbase64(view(*text_member(*json, "serialization"))), 1 << 20);
}

TEST(Results, OfQiskitAreDigitsWithoutPrefix) {
    const auto job = read_job(payload({program(
        "OPENQASM 3.0; include \"stdgates.inc\"; bit[2] a; bit[3] b; qubit[2] q; measure q[0]; a[0] = measure q[0]; b[1] = measure q[1];",
        3)}));
    ASSERT_TRUE(job) << job.error().said;
    // Bits 0-1 are a, 2-4 are b; bit 5 belongs to a measurement that nobody reads.
    const CircuitResult result{
        .shots = 10, .seed = 7, .counts = {{{0b000001}, 4}, {{0b101000}, 5}, {{0b001000}, 1}}, .memory = {{0b000001}, {0b101000}}};
    const std::string text =
        unpacked(write_results(*job, {.shots = 10, .memory = true}, std::span(&result, 1), {"aer", "0.18", "id", "2026-11-24"}), 2);
    EXPECT_EQ(
        text,
        R"({"backend_name":"aer","backend_version":"0.18","job_id":"id","qobj_id":"id","success":true,"status":"COMPLETED","date":"2026-11-24","results":[)"
        R"({"shots":10,"success":true,"status":"DONE","meas_level":2,"seed_simulator":7,"data":{"counts":{"00001":4,"01000":6},"memory":["0x1","0x8"]},)"
        R"("header":{"name":"circuit-0","n_qubits":2,"memory_slots":5,"creg_sizes":[["a",2],["b",3]],"qreg_sizes":[["q",2]],"global_phase":0,"metadata":{}}}],"header":null,"metadata":{}})");
}

TEST(Results, OfCirqArePackedBits) {
    Job job;
    job.client.form = AnswerForm::cirq;
    Circuit circuit;
    circuit.bits = 5;
    circuit.bit_registers = {{"m", 0, 2}, {"n", 2, 1}, {"m", 3, 2}};
    job.circuits.push_back(circuit);
    const CircuitResult result{.shots = 3, .counts = {}, .memory = {{0b01001}, {0b10110}, {0b11111}}};
    EXPECT_EQ(
        unpacked(write_results(job, {.shots = 3}, std::span(&result, 1), {}), 1),
        R"({"params":{"cirq_type":"ParamResolver","param_dict":[]},"records":{)"
        R"("m":{"packed_digits":"a5f0","binary":true,"dtype":"int8","shape":[3,2,2]},"n":{"packed_digits":"60","binary":true,"dtype":"int8","shape":[3,1,1]}}})");
    EXPECT_TRUE(needs_memory(job, {.shots = 3}));
}

TEST(Zlib, IsBounded) {
    const std::string text(100000, 'a');
    EXPECT_EQ(unzip(zip(text), 100000), text);
    EXPECT_EQ(unzip(zip(text), 99999).error().said, "the compressed data unpacks to more than the limit; send a smaller program");
    EXPECT_EQ(unzip(zip(text) + "x", 100000).error().said, "something follows the compressed data; send one zlib stream only");
    EXPECT_EQ(unzip("", 10).error().said, "the compressed data ends too early; send it whole");
    EXPECT_EQ(unzip(zip(""), 0), "");
}

TEST(Noise, IsDecoded) {
    const auto model = read_noise_model(
        R"({"errors":[{"type":"qerror","id":"e","operations":["x","h"],"instructions":[[{"name":"pauli","params":["XY"],"qubits":[0,1]}],[{"name":"kraus","params":[)"
        R"({"__ndarray__":true,"data":[[{"__complex__":true,"real":1,"imag":0},0],[0,1]],"dtype":"complex128","shape":[2,2]}],"qubits":[0]},{"name":"reset","qubits":[1]}]],"probabilities":[0.25,0.75],"gate_qubits":[[0,1]]},)"
        R"({"type":"roerror","operations":["measure"],"probabilities":[[0.9,0.1],[0.2,0.8]]}]})");
    ASSERT_TRUE(model) << model.error().said;
    ASSERT_EQ(model->gate_errors.size(), 1u);
    EXPECT_EQ(model->gate_errors[0].operations, (std::vector<std::string>{"x", "h"}));
    EXPECT_EQ(listing(model->gate_errors[0].branches[0].circuit), "y 0; x 1");
    EXPECT_EQ(listing(model->gate_errors[0].branches[1].circuit), "channel 0 of 1; reset 1");
    EXPECT_EQ(model->readout_errors[0].probabilities[1][0], 0.2);
}

TEST(Noise, ComplaintsSayWhichError) {
    const auto said = [](std::string_view error) { return read_noise_model(fmt::format(R"({{"errors":[{}]}})", error)).error().said; };
    EXPECT_EQ(said(R"({"type":"x"})"), "error 1: its 'type' must be qerror or roerror");
    EXPECT_EQ(said(R"({"type":"qerror","operations":["x"],"instructions":[[{"name":"magic","qubits":[0]}]],"probabilities":[1]})"),
              "error 1: there is no gate 'magic' that an error could be made of");
    EXPECT_EQ(said(R"({"type":"qerror","operations":["x"],"instructions":[[]],"probabilities":[0.5]})"),
              "error 1: the probabilities of an error must add up to 1");
    EXPECT_EQ(
        said(
            R"({"type":"qerror","operations":["x"],"instructions":[[{"name":"unitary","params":[[[1,0],[0,2]]],"qubits":[0]}]],"probabilities":[1]})"),
        "error 1: the matrices of 'unitary' do not keep probabilities");
}

}  // namespace
}  // namespace meridian::quantum
