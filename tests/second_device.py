"""A second device without a GPU: tensors that say `cuda`, count what a GPU would meet, and compute on the CPU.

As in torch's FakeTensor a tensor has no memory of its own, and a mode meets each op below autograd and autocast. Here
it also holds a tensor on the CPU, with which the op is computed: values, gradients and optimisers are real.

Without values (`SecondDevice(values=False)`) it holds tensors of the meta device: pictures of any size and networks of
any width are counted in a second. What the host reads there is ones.

To C++ the device is XLA's, which nobody uses here: CUDA's autocast takes it for its own, and autograd asks it for no
streams. What a CPU build lacks for it, a guard that does nothing, is lent by the meta device.
"""

import ctypes
import math
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock, patch

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten
CUDA, INSIDE = torch.device("cuda", 0), torch.device("xla", 0)
GUARDS, XLA, META = "_ZN3c104impl26device_guard_impl_registryE", 9, 14
"""C++'s table of guards, and two places in it."""

COMPOSED = torch._C.DispatchKey.CompositeImplicitAutograd

FUSED = aten.cudnn_convolution_relu
"""Convolution, bias and ReLU in one kernel; CUDA alone has it."""
CONVOLUTIONS = (aten.convolution, aten.convolution_backward, FUSED)
MIXED = (aten.copy_, aten._to_copy, aten._foreach_copy_, aten.index, aten.index_put, aten.index_put_)
"""Take tensors of both devices; indices on the CPU are uploaded."""
PLANAR = (
    aten.reflection_pad2d,
    aten.reflection_pad2d_backward,
    aten.replication_pad2d,
    aten.replication_pad2d_backward,
    aten.pixel_shuffle,
    aten.pixel_unshuffle,
)
"""CUDA has these for NCHW alone."""
READ = (
    aten._local_scalar_dense,
    aten._linalg_check_errors,
    aten._linalg_eigh,
    aten._linalg_svd,
    aten.nonzero,
    aten.equal,
    aten.masked_select,
    aten._unique2,
    aten.unique_dim,
)
"""The host waits for these."""
SEVERAL = {aten.native_batch_norm: 3, aten._native_batch_norm_legit: 3}
"""Kernels of an op that has more than one: statistics, their root, the values."""
PLAIN: dict[Any, Callable[..., Any]] = {
    FUSED: lambda *args: _computed(aten.convolution.default, [*args[:-1], False, [0, 0], args[-1]], {}).relu_(),
}
"""What ops that CUDA alone has mean. Triton's interpreter takes a hundredth of a second for a block of a map."""
if find_spec("triton"):
    from brushwork.models.networks import triton_kernels

    OWN = getattr(torch.ops, triton_kernels.NAME)
    SEVERAL[OWN.statistics] = 2

    def statistics(values):
        return torch.var_mean(values.float(), (2, 3), correction=0)[::-1]

    def finished(values, mean, variance, eps, relu, pool, margin, mirror):
        found = F.max_pool2d(values, 2, ceil_mode=True) if pool else values.float()
        if mean is not None:
            found = (found - mean[..., None, None]) * (variance + eps).rsqrt()[..., None, None]
        found = found.relu() if relu else found
        found = F.pad(found, (margin,) * 4, mode="reflect" if mirror else "replicate") if margin else found
        return found.to(values.dtype, memory_format=torch.channels_last)

    PLAIN |= {OWN.statistics: statistics, OWN.finished: finished}
FREE = (aten.empty, aten.empty_like, aten.empty_strided, aten.new_empty, aten.new_empty_strided, aten._unsafe_view)
"""No kernel runs."""


class DeviceTensor(Tensor):
    """Of the second device; `held` are its values."""

    held: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, held: Tensor) -> "DeviceTensor":
        self = Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=INSIDE,
            _extra_dispatch_keys=torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastCUDA),
        )
        self.held = held
        return self

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        raise RuntimeError(f"{func} met a tensor of a second device outside: use it within `with SecondDevice()`.")

    # Parameters are swapped, not overwritten, where a tensor can be taken apart: `module.to` then keeps them.
    def __tensor_flatten__(self):
        return ["held"], None

    @staticmethod
    def __tensor_unflatten__(parts, context, size, stride):
        return DeviceTensor(parts["held"])

    device = property(lambda self: CUDA)  # pyright: ignore[reportAssignmentType]
    is_cuda = property(lambda self: True)  # pyright: ignore[reportAssignmentType]
    is_xla = property(lambda self: False)  # pyright: ignore[reportAssignmentType]

    @property
    def data(self) -> Tensor:
        return self.detach()

    @data.setter
    def data(self, values: "DeviceTensor") -> None:
        self.held = values.held
        Tensor.data.__set__(self, values)

    def get_device(self) -> int:
        return 0

    def data_ptr(self) -> int:
        return 0 if self.held.is_meta else self.held.data_ptr()

    def record_stream(self, stream: object) -> None:
        """Nothing is done late here."""

    def tolist(self):
        return self.cpu().tolist()

    def numpy(self, *, force: bool = False):
        if not force:
            raise TypeError("can't convert cuda:0 device type tensor to numpy: copy it to the host by `.cpu()` first.")
        return self.detach().cpu().numpy()

    def __deepcopy__(self, memo):
        copied = self.detach().clone().requires_grad_(self.requires_grad)
        copied.__dict__ |= {name: value for name, value in self.__dict__.items() if name != "held"}
        return memo.setdefault(id(self), copied)

    def __format__(self, form: str) -> str:
        return format(self.cpu(), form)

    def __repr__(self, **_: Any) -> str:
        return f"{self.held!r} on {CUDA}"


class Named(TorchFunctionMode):
    """Says the device's name in C++ for its name in Python."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is Tensor.cuda:
            return args[0].to(INSIDE)
        kwargs = dict(kwargs or {})
        if "device" in kwargs:
            kwargs["device"] = _inside(kwargs["device"])
        return func(*map(_inside, args) if func is Tensor.to else args, **kwargs)


def there(values: Tensor) -> Tensor:
    """`values` [B, C, h, w] on the device, in NHWC."""
    return values.to("cuda", memory_format=torch.channels_last)


class SecondDevice(TorchDispatchMode):
    """Within it torch has a CUDA device, and these attributes count; `reset` sets them to 0.

    `launches`: ops on it, but views and metadata. `layout_copies`: where NHWC becomes NCHW or the other way, be it by a
    convolution of NCHW values, an op that CUDA has for NCHW alone, or a copy. `host_reads`: where the host waits for a
    value. `uploads`: copies to the device. `casts`: copies to another dtype. `biases`: those that are added by a kernel
    of their own, after a convolution; `weight_copies`: NCHW weights of convolutions of NHWC values. `waits`:
    `host_reads`, and uploads that were not told to be `non_blocking`. `traffic`: bytes that kernels read and write.
    `uploaded`, `downloaded`: bytes of copies from and to the host. `replays`: CUDA graphs that were run. `allocations`:
    of memory; `peak`: bytes that were taken at once.

    It has `memory` bytes, and is full beyond them; `refused` says of an allocation, by its number and its bytes, if it
    is refused.
    """

    _mode_key = torch._C._TorchDispatchModeKey.FAKE  # with it, C++ looks for no driver

    def __init__(self, values: bool = True) -> None:
        super().__init__()
        self.place = torch.device("cpu" if values else "meta")
        """Where tensors are held."""
        self.recording: list[tuple[Any, ...]] | None = None
        """What a CUDA graph that is being captured will do again."""
        self.memory = 8 << 30
        self.refused: Callable[[int, int], bool] = lambda number, size: False
        self._blocks: dict[int, tuple[StorageWeakRef, int]] = {}
        self._taken = 0
        self.random = torch.Generator().get_state()
        self.reset()

    def reset(self) -> None:
        self.launches = self.layout_copies = self.host_reads = self.uploads = self.casts = self.biases = 0
        self.weight_copies = self.waits = self.traffic = self.uploaded = self.downloaded = self.replays = 0
        self.allocations, self.peak = 0, self.taken

    @property
    def taken(self) -> int:
        """Bytes of all that lives there."""
        self._blocks = {place: block for place, block in self._blocks.items() if not block[0].expired()}
        self._taken = sum(size for _, size in self._blocks.values())
        return self._taken

    def _allocate(self, values: Tensor) -> None:
        """Count the memory of `values`, unless it is known."""
        storage = values.untyped_storage()
        known = self._blocks.get(storage._cdata)
        if known and not known[0].expired():
            return
        size = storage.nbytes()
        self.allocations += 1
        if self._taken + size > min(self.peak, self.memory) and self.taken + size > self.memory:
            raise torch.OutOfMemoryError(f"{size} bytes more than {self._taken} of {self.memory}")
        if self.refused(self.allocations, size):
            raise torch.OutOfMemoryError(f"allocation {self.allocations} is refused")
        self._blocks[storage._cdata] = StorageWeakRef(storage), size
        self._taken += size
        self.peak = max(self.peak, self._taken)

    def __enter__(self) -> "SecondDevice":
        with ExitStack() as opened:
            for context in (_guarded(), *_cuda(self), self._here()):
                opened.enter_context(context)
            self.opened = opened.pop_all()
        return self

    def __exit__(self, *raised: object) -> None:
        self.opened.close()

    @contextmanager
    def _here(self) -> Iterator[None]:
        """In this thread: modes belong to one."""
        with torch.autograd.set_multithreading_enabled(False), Named(), self._again():
            yield

    @contextmanager
    def _again(self) -> Iterator[None]:
        super().__enter__()
        try:
            yield
        finally:
            super().__exit__(None, None, None)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs, op = dict(kwargs or {}), func.overloadpacket
        if op is aten._has_compatible_shallow_copy_type:
            return False
        if _is_composed(func):
            with self._again():  # in inference mode nothing above has taken it apart
                return func._op_dk(COMPOSED, *args, **kwargs)
        if op is aten._pin_memory:
            return args[0].clone()
        if kwargs.get("pin_memory"):
            kwargs["pin_memory"] = False
        given = [*_tensors(args), *_tensors(kwargs)]
        ours = [leaf for leaf in given if isinstance(leaf, DeviceTensor)]
        device = kwargs.get("device")
        placed = device.type in (CUDA.type, INSIDE.type) if device else bool(ours)
        if op is aten.copy_:
            placed = isinstance(args[0], DeviceTensor)
        if not ours and not placed:
            return func(*args, **kwargs)
        strangers = [leaf for leaf in given if not isinstance(leaf, DeviceTensor) and leaf.dim()]
        if ours and strangers and op not in MIXED:
            raise RuntimeError("Expected all tensors to be on the same device, but found at least two, cuda:0 and cpu!")
        if device:
            kwargs["device"] = self.place if placed else torch.device("cpu")
        known = {id(leaf.held): leaf for leaf in ours}
        args, kwargs = _each(_held, args), _each(_held, kwargs)
        with self._drawing(func):
            result = self._result(func, args, kwargs, placed, bool(ours))
        if placed:
            for one in _tensors([result]):
                self._allocate(one)
        if self.recording is not None and placed and not func.is_view:
            self.recording.append((func, args, kwargs, result))
        self._count(func, args, kwargs, result, placed, bool(ours), bool(strangers))
        if not placed:
            return result

        def ours_again(one):
            return known[id(one)] if id(one) in known else DeviceTensor(one) if isinstance(one, Tensor) else one

        return _each(ours_again, result)

    def _result(self, func, args, kwargs, placed: bool, ours: bool):
        """Computed; without values, what comes to the host is ones, and what is made of its values has their shape."""
        op = func.overloadpacket
        if self.place.type == "cpu":
            return _computed(func, args, kwargs)
        if op is aten._local_scalar_dense:
            return torch.ones((), dtype=args[0].dtype).item()
        if op is aten._linalg_check_errors:
            return None
        if ours and not placed and op is aten._to_copy:
            there = torch.empty_like(args[0], dtype=kwargs.get("dtype"), memory_format=kwargs.get("memory_format"))
            return torch.ones_like(there, device="cpu")
        if ours and not placed and op is aten.copy_:
            return args[0]
        if op in MIXED:
            args = _each(lambda one: one.to(self.place) if isinstance(one, Tensor) else one, args)
        return _computed(func, args, kwargs)

    def _count(self, func, args, kwargs, result, placed: bool, ours: bool, strangers: bool) -> None:
        op = func.overloadpacket
        moved = op in MIXED and (not ours or strangers)
        late = bool(kwargs.get("non_blocking")) or (op is aten.copy_ and len(args) > 2 and args[2])
        read = op in READ or (op in MIXED and not placed and not late) or _by_mask(op, args)
        if self.recording is not None and (read or (placed and moved)):
            raise RuntimeError(f"operation not permitted when stream is capturing: {func}")
        self.host_reads += read
        self.waits += read
        if op in MIXED and not placed:
            self.downloaded += _bytes(args[0] if op is aten.copy_ else result)
        if placed and moved:
            self.uploads += 1
            self.waits += not late
            self.uploaded += sum(_bytes(one) for one in [result, *_tensors(args)][: 1 if op is not aten.index else 0])
        if func.is_view or op in FREE or op is aten._local_scalar_dense or not placed:
            return
        self.launches += SEVERAL.get(op, 1) * (not (moved and op in (aten.copy_, aten._to_copy)))
        self.biases += op is aten.convolution and args[2] is not None
        if not moved:
            self.traffic += sum(_bytes(one) for one in {id(one): one for one in _tensors([result, args])}.values())
        self.casts += op is aten._to_copy and not moved and args[0].dtype != result.dtype
        if op in CONVOLUTIONS:
            self.layout_copies += sum(_layout(one) is PLANES for one in args[: 1 + (op is aten.convolution_backward)])
            mixed = op is not aten.convolution_backward and _layout(args[0]) is CELLS and _layout(args[1]) is PLANES
            self.weight_copies += mixed
        elif op in PLANAR:
            self.layout_copies += _layout(args[0]) is CELLS
        elif op in (aten.clone, aten._to_copy, aten.copy_) and not moved:
            source = args[1] if op is aten.copy_ else args[0]
            self.layout_copies += {_layout(source), _layout(result)} == {CELLS, PLANES}

    @contextmanager
    def _drawing(self, func) -> Iterator[None]:
        """The device has a random state of its own."""
        if torch.Tag.nondeterministic_seeded not in func.tags:
            yield
            return
        before = torch.get_rng_state()
        torch.set_rng_state(self.random)
        try:
            yield
        finally:
            self.random = torch.get_rng_state()
            torch.set_rng_state(before)


def _inside(value: object) -> object:
    named = isinstance(value, (str, torch.device)) and str(value).split(":")[0] == CUDA.type
    return INSIDE if named else value


def _held(value: object) -> object:
    return value.held if isinstance(value, DeviceTensor) else value


@cache
def _is_composed(func) -> bool:
    """Whether C++ has it as nothing but other ops."""
    return torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), COMPOSED.name)


def _each(change: Callable[[Any], Any], value):
    """`value` with all that it holds changed, as pytree's `tree_map` does more slowly."""
    if isinstance(value, (list, tuple)):
        return type(value)([_each(change, one) for one in value])
    if isinstance(value, dict):
        return {name: _each(change, one) for name, one in value.items()}
    return change(value)


def _tensors(value) -> Iterator[Tensor]:
    """All that `value` holds."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _tensors(one)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


CELLS, PLANES = "NHWC", "NCHW"


def _layout(values: Tensor) -> str | None:
    """None where both are the same."""
    if values.dim() != 4 or values.shape[1] == 1 or values.shape[2:].numel() == 1:
        return None
    channel, along = values.stride(1), values.stride(3 if values.shape[3] > 1 else 2)
    return None if channel == along else CELLS if channel < along else PLANES


def _bytes(values: Tensor) -> int:
    """That lie in memory; what is expanded is there once."""
    own = [length for length, stride in zip(values.shape, values.stride(), strict=True) if stride]
    return math.prod(own) * values.element_size()


def _by_mask(op, args) -> bool:
    """Whether it is an index by a mask, whose cells the host has to count."""
    masks = args[1] if op in (aten.index, aten.index_put, aten.index_put_) else ()
    return any(one is not None and one.dtype in (torch.bool, torch.uint8) for one in masks)


def _computed(func, args, kwargs):
    """On the CPU, in the layout that CUDA would give."""
    op = func.overloadpacket
    if op in PLAIN:
        return PLAIN[op](*args)
    if op in PLANAR:
        return func(*[one.contiguous() if isinstance(one, Tensor) else one for one in args], **kwargs)
    if op not in CONVOLUTIONS:
        return func(*args, **kwargs)
    maps = 1 + (op is aten.convolution_backward)  # gradient and values, or values alone; then the weight
    found = [one for one in args[maps - 1 : maps + 1] if one.dim() == 4]
    last = any(one.is_contiguous(memory_format=torch.channels_last) and not one.is_contiguous() for one in found)
    if not last:
        return func(*args, **kwargs)

    def laid(one):
        four = isinstance(one, Tensor) and one.dim() == 4
        return one.contiguous(memory_format=torch.channels_last) if four else one

    return _each(laid, func(*map(laid, args), **kwargs))


@contextmanager
def _guarded() -> Iterator[None]:
    """A build without XLA has no guard of that device: it gets the meta device's, which does nothing.

    And keeps it: without one, a graph that outlives this ends the process.
    """
    library = ctypes.CDLL(str(next(Path(torch.__file__).parent.glob("lib/*c10.*"))))
    guards = (ctypes.c_void_p * (META + 1)).in_dll(library, GUARDS)
    guards[XLA] = guards[XLA] or guards[META]
    lifted = torch._C._only_lift_cpu_tensors()
    torch._C._set_only_lift_cpu_tensors(True)  # `torch.tensor` then asks the mode to move its values
    try:
        yield
    finally:
        torch._C._set_only_lift_cpu_tensors(lifted)


def _cuda(second: SecondDevice) -> list[Any]:
    """Changes to torch by which it has one device that does all."""

    def seed(value: int) -> None:
        second.random = torch.Generator().manual_seed(int(value)).get_state()

    def restore(state: Tensor, device: object = None) -> None:
        second.random = state.clone()

    def run(thread: threading.Thread) -> None:
        with second._here():
            in_thread(thread)

    def grouped(*args: object) -> dict[Any, Any]:
        groups = by_device(*args).items()
        return {(CUDA if device == INSIDE else device, dtype): value for (device, dtype), value in groups}

    def waited(device: object = None) -> None:
        second.host_reads += 1
        second.waits += 1

    class Graph:
        """Does again what was recorded, op by op, on the same memory."""

        recorded: list[tuple[Any, ...]]

        def replay(self) -> None:
            second.launches += 1
            second.replays += 1
            for func, args, kwargs, result in self.recorded:
                again = _computed(func, args, kwargs)
                for one, other in zip(_tensors([result]), _tensors([again]), strict=True):
                    if one is not other:
                        one.copy_(other)

    @contextmanager
    def captured(graph: Graph, **_: object) -> Iterator[None]:
        second.recording = []
        try:
            yield
            graph.recorded = second.recording
        finally:
            second.recording = None

    class Generator(torch.Generator):
        def __new__(cls, device: object = "cpu") -> torch.Generator:
            return super().__new__(cls)

    def backward(*args: Any, **kwargs: Any) -> None:
        with torch.autograd.set_multithreading_enabled(False):  # which leaving inference mode has set again
            differentiate(*args, **kwargs)

    differentiate = torch.autograd.backward
    in_thread, by_device = threading.Thread.run, torch._C._group_tensors_by_device_and_dtype
    randomness = {"get_rng_state": lambda device=None: second.random.clone(), "set_rng_state": restore}
    functions: dict[str, Callable[..., Any]] = {
        "is_available": lambda: True,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "get_device_capability": lambda device=None: (8, 0),
        "get_device_name": lambda device=None: "second device",
        "get_device_properties": lambda device=None: SimpleNamespace(total_memory=second.memory, major=8, minor=0),
        "mem_get_info": lambda device=None: (second.memory - second.taken, second.memory),
        "is_bf16_supported": lambda including_emulation=True: True,
        "manual_seed": seed,
        "manual_seed_all": seed,
        "synchronize": waited,
        "reset_peak_memory_stats": lambda device=None: None,
        "max_memory_allocated": lambda device=None: 1 << 20,
        "empty_cache": lambda: None,
        "CUDAGraph": Graph,
        "graph": captured,
        "stream": nullcontext,
        **dict.fromkeys(("Stream", "current_stream"), MagicMock()),
        "Event": lambda **_: SimpleNamespace(record=lambda stream=None: None, synchronize=waited),
    }
    kinds = [torch.Tensor, torch.nn.Parameter, DeviceTensor]
    return [
        *(patch.object(torch.cuda, name, value) for name, value in (functions | randomness).items()),
        *(patch.object(torch.cuda.random, name, value) for name, value in randomness.items()),
        patch.object(torch, "Generator", Generator),
        patch.object(torch.autograd, "backward", backward),
        patch.object(torch._C, "_group_tensors_by_device_and_dtype", grouped),
        patch.object(torch.utils._foreach_utils, "_foreach_supported_types", kinds),
        patch.object(sys.modules[torch.optim.Optimizer.__module__], "_foreach_supported_types", kinds),
        patch.object(threading.Thread, "run", run),
    ]
