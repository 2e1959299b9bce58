// Qubits and bits by name, and the statements that take them: measure, reset, barrier, delay.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "quantum/programs/openqasm/reader.h"

namespace meridian::quantum::openqasm {

Selection Reader::selected(const Name& name, std::uint32_t at) {
    Selection selection = name.selection;
    selection.at = at;
    return selection;
}

Selection Reader::hardware_qubit() {
    const Token token = lexer_.token();
    std::uint64_t number = 0;
    const char* const end = lexer_.text().data() + token.at + token.length;
    const auto [stop, error] = std::from_chars(lexer_.text().data() + token.at + 1, end, number);
    if (error != std::errc() || stop != end) complain(token.at, fmt::format("{} is no physical qubit; write $ and a number", shown()));
    if (hardware_.empty() && circuit_.qubits != 0) complain(token.at, "a program names qubits of its own or physical ones ($0), not both");
    const auto [found, is_new] = hardware_.emplace(number, circuit_.qubits);
    if (is_new && ++circuit_.qubits > limits::qubits) complain(token.at, fmt::format("at most {} qubits are possible", limits::qubits));
    lexer_.advance();
    return {.first = found->second, .size = 1, .at = token.at, .is_single = true};
}

Selection Reader::selection_of_qubits() {
    const Token token = lexer_.token();
    if (token.mark == Mark::hardware) return hardware_qubit();
    if (!lexer_.is_free_name()) complain(token.at, fmt::format("expected a qubit here, not {}", shown()));
    if (token.symbol >= names_.size() || names_[token.symbol].kind != Name::Kind::qubits)
        complain(token.at, fmt::format("there are no qubits named {} here; declare them first", shown()));
    lexer_.advance();
    const Selection all = selected(names_[token.symbol], token.at);
    return lexer_.token().mark == Mark::left_square ? picked(all) : all;
}

void Reader::pick_one(Selection& into, const Selection& from, std::int64_t index, std::uint32_t at) {
    if (index < 0 && lexer_.version() != 2) index += from.size;  // from the end
    if (index < 0 || index >= from.size)
        complain(at, fmt::format("there is no element {} here; this register has {}, counted from 0", index, from.size));
    const std::uint32_t one = element(from, static_cast<std::uint32_t>(index));
    if (into.list == Selection::no_list)
        into.first = one;
    else
        lists_.push_back(one);
    ++into.size;
}

// [3], [0:2], [0:2:6], [{0, 3}], any number of them one after the other.
Selection Reader::picked(Selection from) {
    while (lexer_.token().mark == Mark::left_square) {
        lexer_.advance();
        if (from.is_single && from.list == Selection::no_list && from.size == 1 && lexer_.version() == 2)
            complain(from.at, "this is one element already; remove the second index");
        const std::uint32_t place = at();
        Selection into{.at = from.at};
        if (accept(Mark::left_brace)) {
            std::vector<std::int64_t> indices;
            do indices.push_back(whole_number(expression(), "an index"));
            while (accept(Mark::comma));
            expect(Mark::right_brace, "}");
            into.list = static_cast<std::uint32_t>(lists_.size());
            for (const std::int64_t index : indices) pick_one(into, from, index, place);
        } else {
            const bool is_open = lexer_.token().mark == Mark::colon;
            std::int64_t first = is_open ? 0 : whole_number(expression(), "an index");
            if (!is_open && lexer_.token().mark == Mark::right_square) {
                into.is_single = true;
                pick_one(into, from, first, place);
            } else {
                expect(Mark::colon, ":");
                const auto bound = [&] { return whole_number(expression(), "an index"); };
                std::int64_t step = 1, last = lexer_.token().mark == Mark::right_square ? std::int64_t{from.size} - 1 : bound();
                if (accept(Mark::colon)) step = std::exchange(last, bound());
                if (first < 0) first += from.size;
                if (last < 0) last += from.size;
                if (step == 0) complain(place, "a step of 0 never arrives; write another");
                into.list = static_cast<std::uint32_t>(lists_.size());
                if (first >= 0 && last >= 0 && std::max(first, last) < from.size && std::abs(step) <= from.size) {
                    lexer_.charge(from.size);
                    for (; step > 0 ? first <= last : first >= last; first += step) pick_one(into, from, first, place);
                } else {
                    pick_one(into, from, first, place);
                    pick_one(into, from, last, place);
                    complain(place, "this step leaves the register; write a smaller one");
                }
            }
        }
        expect(Mark::right_square, "]");
        if (lists_.size() > limits::operand_pool) complain(place, "this program selects too many qubits or bits");
        from = into;
    }
    return from;
}

Selection Reader::measured_qubits() {
    lexer_.advance();
    return selection_of_qubits();
}

void Reader::measure_into(const Selection& qubits, const Selection& bits, std::uint32_t place) {
    if (qubits.size != bits.size)
        complain(place, fmt::format("{} qubits do not fit into {} bits; measure as many qubits as there are bits", qubits.size, bits.size));
    for (std::uint32_t k = 0; k < qubits.size; ++k) {
        const std::uint32_t qubit = element(qubits, k);
        out_->add({.kind = Op::Kind::measure, .target = element(bits, k)}, std::span(&qubit, 1));
    }
}

void Reader::measure_statement() {
    const std::uint32_t place = at();
    const std::size_t lists = lists_.size();
    const Selection qubits = measured_qubits();
    if (accept(Mark::arrow)) {
        const Token token = lexer_.token();
        if (!lexer_.is_free_name() || token.symbol >= names_.size() || names_[token.symbol].kind != Name::Kind::bits)
            complain(token.at, fmt::format("there are no bits named {} here; declare them first", shown()));
        lexer_.advance();
        measure_into(qubits, picked(selected(names_[token.symbol], token.at)), place);
    } else {
        // Nobody reads the outcome, but the qubit collapses all the same: a bit that belongs to no register takes it.
        const auto [found, is_new] = bits_at_.emplace(place, Selection{.first = circuit_.bits, .size = qubits.size});
        if (is_new && (circuit_.bits += qubits.size) > limits::bits)
            complain(place, fmt::format("at most {} bits are possible", limits::bits));
        measure_into(qubits, found->second, place);
    }
    lists_.resize(lists);
    expect(Mark::semicolon, ";");
}

void Reader::reset_statement() {
    lexer_.advance();
    const std::size_t lists = lists_.size();
    const Selection qubits = selection_of_qubits();
    for (std::uint32_t k = 0; k < qubits.size; ++k) {
        const std::uint32_t qubit = element(qubits, k);
        out_->add({.kind = Op::Kind::reset}, std::span(&qubit, 1));
    }
    lists_.resize(lists);
    expect(Mark::semicolon, ";");
}

void Reader::barrier_statement() {
    const std::uint32_t place = at();
    lexer_.advance();
    const std::size_t lists = lists_.size();
    qubits_.clear();
    bool is_over_all = lexer_.token().mark == Mark::semicolon;
    while (lexer_.token().mark != Mark::semicolon) {
        const Selection part = selection_of_qubits();
        lexer_.charge(part.size);
        if (part.list == Selection::no_list && part.size == circuit_.qubits) is_over_all = true;
        for (std::uint32_t k = 0; k < part.size && !is_over_all; ++k) qubits_.push_back(element(part, k));
        if (qubits_.size() > limits::qubits) complain(place, "this barrier names its qubits more than once");
        if (lexer_.token().mark != Mark::semicolon) expect(Mark::comma, ",");
    }
    lists_.resize(lists);
    expect(Mark::semicolon, ";");
    if (!is_over_all) {
        std::ranges::sort(qubits_);
        qubits_.erase(std::ranges::unique(qubits_).begin(), qubits_.end());
        out_->add({.kind = Op::Kind::barrier}, qubits_);
        return;
    }
    // Barriers over everything are frequent and share one list of operands.
    if (barrier_qubits_ == circuit_.qubits && barrier_qubits_ != 0) {
        out_->add({.kind = Op::Kind::barrier, .first_operand = barrier_operands_, .operand_count = barrier_qubits_});
        return;
    }
    for (std::uint32_t qubit = 0; qubit < circuit_.qubits; ++qubit) qubits_.push_back(qubit);
    barrier_operands_ = static_cast<std::uint32_t>(circuit_.operands.size());
    barrier_qubits_ = circuit_.qubits;
    out_->add({.kind = Op::Kind::barrier}, qubits_);
}

void Reader::delay_statement() {
    lexer_.advance();
    const std::size_t lists = lists_.size();
    expect(Mark::left_square, "[");
    const std::uint32_t place = at();
    const Value length = expression();
    if (!length.is_known() || length.type != Type::duration) complain(place, "a delay takes a duration such as 100ns or 20dt");
    if (!(length.real >= 0) || !std::isfinite(length.real)) complain(place, "a delay takes a duration of 0 or more");
    expect(Mark::right_square, "]");
    const auto seconds = static_cast<std::uint32_t>(circuit_.angles.size());
    circuit_.angles.push_back(length.is_ticks ? 0 : length.real);
    if (lexer_.token().mark == Mark::semicolon) complain(at(), "a delay names its qubits");
    do {
        const Selection qubits = selection_of_qubits();
        for (std::uint32_t k = 0; k < qubits.size; ++k) {
            const std::uint32_t qubit = element(qubits, k);
            out_->add({.kind = Op::Kind::delay, .first = seconds}, std::span(&qubit, 1));
        }
    } while (accept(Mark::comma));
    lists_.resize(lists);
    expect(Mark::semicolon, ";");
}

}  // namespace meridian::quantum::openqasm
