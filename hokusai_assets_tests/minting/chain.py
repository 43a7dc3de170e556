"""The verifier contract on a local EVM (py-evm behind eth-tester)."""

import json
from pathlib import Path
from typing import Any

import eth_abi
from eth_tester import EthereumTester, PyEVMBackend
from eth_tester.exceptions import TransactionFailed
from eth_utils import keccak

from hokusai_assets.minting.mint_request import VerifierContract
from hokusai_assets.minting.typed_data import TYPES

CONTRACTS = Path(__file__).resolve().parents[2] / "deploy" / "contracts"
COMPILED = json.loads((CONTRACTS / "DeltaVerifier.json").read_text())
GAS = 20_000_000


def abi_type(entry: dict[str, Any]) -> str:
    """Return an ABI entry's type as signatures write it: tuples by their parts."""
    if not entry["type"].startswith("tuple"):
        return str(entry["type"])
    parts = ",".join(abi_type(part) for part in entry["components"])
    return f"({parts}){entry['type'].removeprefix('tuple')}"


FUNCTIONS = {
    entry["name"]: (
        [abi_type(part) for part in entry["inputs"]],
        [abi_type(part) for part in entry["outputs"]],
    )
    for entry in COMPILED["abi"]
    if entry["type"] == "function"
}
EVENTS = {
    keccak(text=f"{entry['name']}({','.join(abi_type(part) for part in entry['inputs'])})"): entry
    for entry in COMPILED["abi"]
    if entry["type"] == "event"
}


def encoded(function: str, *arguments: Any) -> bytes:
    """Return a call, by the compiled contract's own ABI."""
    types, _ = FUNCTIONS[function]
    selector = keccak(text=f"{function}({','.join(types)})")[:4]
    return bytes(selector + eth_abi.encode(types, arguments))


def arguments_of(document: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Return the message of typed data as the arguments of a call, by EIP-712's types alone."""
    return tuple(_value("MintRequest", document["message"]))  # type: ignore[return-value]


def _value(kind: str, value: Any) -> Any:
    if kind.endswith("[]"):
        return [_value(kind[:-2], item) for item in value]
    if kind in TYPES:
        return tuple(_value(field["type"], value[field["name"]]) for field in TYPES[kind])
    if kind == "uint256":
        return int(value)
    return bytes.fromhex(value[2:]) if kind == "bytes32" else value


def submission(document: dict[str, Any], signatures: list[str]) -> bytes:
    """Return the call that submits typed data, whatever it holds."""
    return encoded(
        "submitMintRequest",
        *arguments_of(document),
        [bytes.fromhex(text[2:]) for text in signatures],
    )


class Chain:
    """A chain with one verifier contract; the first account owns it."""

    def __init__(self, attesters: list[str], threshold: int) -> None:
        self.tester = EthereumTester(PyEVMBackend())
        self.owner, self.stranger = self.tester.get_accounts()[:2]
        arguments = eth_abi.encode(["address[]", "uint256"], [attesters, threshold])
        receipt = self._send({"data": COMPILED["bytecode"] + arguments.hex()}, self.owner)
        assert receipt["status"] == 1
        self.address = receipt["contract_address"]

    @property
    def contract(self) -> VerifierContract:
        return VerifierContract(self.tester.backend.chain.chain_id, self.address)

    def _send(self, fields: dict[str, Any], sender: str) -> Any:
        sent = self.tester.send_transaction({"from": sender, "gas": GAS} | fields)
        return self.tester.get_transaction_receipt(sent)

    def transact(self, data: bytes, *, sender: str | None = None) -> Any:
        """Send a call that must succeed; anyone may, so a stranger does unless told otherwise."""
        fields = {"to": self.address, "data": "0x" + data.hex()}
        receipt = self._send(fields, sender or self.stranger)
        assert receipt["status"] == 1
        return receipt

    def why_reverted(self, data: bytes, *, sender: str | None = None) -> str:
        """Return why a call reverts; in a block it does too, and leaves nothing."""
        sender = sender or self.stranger
        fields = {"to": self.address, "data": "0x" + data.hex()}
        receipt = self._send(fields, sender)
        assert receipt["status"] == 0
        assert not receipt["logs"]
        try:
            self.tester.call({"from": sender, "gas": GAS} | fields)
        except TransactionFailed as error:
            return str(error)
        raise AssertionError("the call does not revert")

    def read(self, function: str, *arguments: Any) -> Any:
        """Return the one value that a view gives."""
        _, outputs = FUNCTIONS[function]
        call = {"from": self.stranger, "to": self.address, "gas": GAS}
        data = self.tester.call(call | {"data": "0x" + encoded(function, *arguments).hex()})
        (value,) = eth_abi.decode(outputs, bytes.fromhex(data[2:]))
        return value

    def events(self, receipt: Any) -> list[tuple[str, dict[str, Any]]]:
        """Return the events of a receipt: name and arguments."""
        found = []
        for log in receipt["logs"]:
            topics = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
            event = EVENTS[topics[0]]
            named = [part for part in event["inputs"] if part["indexed"]]
            plain = [part for part in event["inputs"] if not part["indexed"]]
            values = {
                part["name"]: eth_abi.decode([part["type"]], topic)[0]
                for part, topic in zip(named, topics[1:], strict=True)
            }
            decoded = eth_abi.decode(
                [part["type"] for part in plain], bytes.fromhex(log["data"][2:])
            )
            values |= {part["name"]: value for part, value in zip(plain, decoded, strict=True)}
            found.append((event["name"], values))
        return found
