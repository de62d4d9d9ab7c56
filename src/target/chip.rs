//! What a generation of TPU is: a record each, with the source of every number. It knows no target and no topology's size.
//!
//! Rates and bandwidths are a device's, which on v2, v3 and tpu7x is half of a chip. Sources, by the names used below:
//! - JAX: `jax/_src/pallas/mosaic/tpu_info.py` of jax-ml/jax. It gives every generation, and is taken unless a line says why not.
//! - Cloud: the Cloud TPU documentation, one page a generation.
//! - Scaling: "How to Scale Your Model", the book of JAX's authors, on TPUs.
//! - Wikipedia: the table of generations in "Tensor Processing Unit", for clocks that Google's papers gave.
//! - Compiler: the cost analysis of libtpu 0.0.52, whose rate is flops by `optimal_seconds` of a bf16 product, and whose
//!   `estimated_cycles` say how many multiply-adds it plans a cycle. It is a model, not a measurement of a chip.
//!
//! The clock is the bf16 rate by two flops of every cell of every matrix unit, rounded to the published one.

use super::tile::{FROM_V4, Tile, UP_TO_V3};

/// A generation of devices.
#[derive(Debug, PartialEq, Eq)]
pub struct Chip {
    /// As topologies of it begin, such as `v5e`.
    pub name: &'static str,
    /// What its devices call themselves; the topology's word first, then others that JAX knows.
    pub device_kinds: &'static [&'static str],
    pub devices_per_chip: usize,
    /// Create options of its topologies.
    pub topology_options: &'static [(&'static str, &'static str)],
    /// Bytes that a program may use of one device in a topology of one chip: `device_memory_bytes_limit` of libtpu 0.0.52.
    pub hbm_bytes: u64,
    /// Between device memory and the cores.
    pub hbm_bytes_per_second: u64,
    /// Cycles a second, to read the compiler's estimated cycles as time. Published; the rate that the compiler itself assumes
    /// is of a lower clock on v5p and tpu7x, as their lines say.
    pub clock_hz: u64,
    /// Floating-point operations a second of bf16 products; a multiply-add is two.
    pub bf16_flops: u64,
    /// Arrays of `matrix_columns` by `matrix_columns` cells, each cell good for one bf16 multiply-add a cycle.
    pub matrix_units: usize,
    pub matrix_columns: usize,
    /// The tile of a large tensor, by element width.
    pub tiles: &'static [Tile],
    /// Bytes that the smallest tile takes.
    pub smallest_tile_bytes: usize,
    /// Element types that the matrix units multiply as they are, bf16 first. Compiler: the others beside bf16 are those that
    /// it plans at more than the rate of bf16; it converts the rest.
    pub native_matmul: &'static [&'static str],
    /// Whether the compiler wants bf16 in taller tiles inside of a loop than outside, and copies weights into them before it.
    pub retiles_in_loops: bool,
    /// Whether a product of one row with an expert's matrix is quicker on the vector unit. Compiler: the experts of a layer of gpt-oss-20b
    /// on eight devices, bf16, take 103,500 cycles there and 143,800 on v2's one matrix unit; on v3 and v4 they take longer there.
    pub takes_single_rows_by_vector: bool,
    /// Whether a 4-bit element takes 4 bits; if not, it takes 8.
    pub stores_4_bit: bool,
    /// Whether the compiler takes kernels that bring a module of their own; else it fails with `CompileTimeMosaicUnsupported…`.
    pub takes_kernels: bool,
}

impl Chip {
    /// Cycles that moving so many bytes between memory and cores takes at the published bandwidth.
    pub fn cycles_to_move(&self, bytes: u64) -> u64 {
        (bytes as f64 / self.hbm_bytes_per_second as f64 * self.clock_hz as f64).round() as u64
    }

    /// Every generation, the oldest first.
    pub const ALL: [&'static Chip; 7] =
        [&Chip::V2, &Chip::V3, &Chip::V4, &Chip::V5E, &Chip::V5P, &Chip::V6E, &Chip::TPU7X];

    pub const V2: Chip = Chip {
        name: "v2",
        device_kinds: &["TPU v2"],
        devices_per_chip: 2,
        topology_options: &[],
        hbm_bytes: 8_034_172_928,
        hbm_bytes_per_second: 358_000_000_000, // JAX, 716 GB/s a chip; Compiler 317 a device
        clock_hz: 700_000_000,                 // 702 MHz by the rate; Wikipedia 700
        bf16_flops: 23_000_000_000_000,        // JAX, 46 TFLOP/s a chip; Compiler 22.8 a device
        matrix_units: 1,                       // Compiler plans 16,110 multiply-adds a cycle, of 16,384
        matrix_columns: 128,                   // JAX
        tiles: UP_TO_V3.tiles,
        smallest_tile_bytes: UP_TO_V3.smallest_bytes,
        native_matmul: &["bf16"],
        retiles_in_loops: false,
        takes_single_rows_by_vector: true,
        stores_4_bit: false,
        takes_kernels: false,
    };

    pub const V3: Chip = Chip {
        name: "v3",
        device_kinds: &["TPU v3"],
        devices_per_chip: 2,
        topology_options: &[],
        hbm_bytes: 16_624_107_520,
        hbm_bytes_per_second: 412_500_000_000, // JAX, 825 GB/s a chip; Cloud 900; Compiler 430 a device
        clock_hz: 940_000_000,                 // 938 MHz by the rate; Wikipedia 940
        bf16_flops: 61_500_000_000_000, // Cloud, 123 TFLOP/s a chip; Compiler 61.4 a device. JAX's 140 would be 1068 MHz
        matrix_units: 2,                // Cloud, a core
        matrix_columns: 128,            // JAX
        tiles: UP_TO_V3.tiles,
        smallest_tile_bytes: UP_TO_V3.smallest_bytes,
        native_matmul: &["bf16"],
        retiles_in_loops: false,
        takes_single_rows_by_vector: false,
        stores_4_bit: false,
        takes_kernels: false,
    };

    /// Both cores of a chip as one device, as TPU VMs set it up and MaxText compiles for it. Without the option libtpu gives
    /// two devices a chip, each of which reports nearly all of the memory that the two share.
    pub const V4: Chip = Chip {
        name: "v4",
        device_kinds: &["TPU v4"],
        devices_per_chip: 1,
        topology_options: &[("chip_config_name", "megacore")],
        hbm_bytes: 33_014_414_848,
        hbm_bytes_per_second: 1_230_000_000_000, // JAX; Cloud 1200; Compiler 982
        clock_hz: 1_050_000_000,                 // 1049 MHz by the rate; Wikipedia 1050
        bf16_flops: 275_000_000_000_000,         // JAX and Cloud; Compiler 274
        matrix_units: 8,                         // Cloud, four a core
        matrix_columns: 128,                     // JAX
        tiles: FROM_V4.tiles,
        smallest_tile_bytes: FROM_V4.smallest_bytes,
        native_matmul: &["bf16"],
        retiles_in_loops: false,
        takes_single_rows_by_vector: false,
        stores_4_bit: true,
        takes_kernels: true,
    };

    pub const V5E: Chip = Chip {
        name: "v5e",
        device_kinds: &["TPU v5 lite", "TPU v5e"],
        devices_per_chip: 1,
        topology_options: &[],
        hbm_bytes: 16_909_336_064,
        hbm_bytes_per_second: 820_000_000_000, // JAX; Cloud 819; Compiler 738
        clock_hz: 1_500_000_000,               // 1503 MHz by the rate; Scaling 1.5 GHz
        bf16_flops: 197_000_000_000_000,       // JAX, Cloud and Compiler
        matrix_units: 4,                       // Cloud
        matrix_columns: 128,                   // JAX
        tiles: FROM_V4.tiles,
        smallest_tile_bytes: FROM_V4.smallest_bytes,
        native_matmul: &["bf16", "int8", "int4", "f8e5m2"],
        retiles_in_loops: false,
        takes_single_rows_by_vector: false,
        stores_4_bit: true,
        takes_kernels: true,
    };

    /// Both cores of a chip as one device, which is libtpu's default here.
    pub const V5P: Chip = Chip {
        name: "v5p",
        device_kinds: &["TPU v5", "TPU v5p"],
        devices_per_chip: 1,
        topology_options: &[],
        hbm_bytes: 102_786_661_888,
        hbm_bytes_per_second: 2_460_000_000_000, // JAX; Cloud 2765; Compiler 2350
        clock_hz: 1_750_000_000,                 // 1751 MHz by the rate; Wikipedia 1750. Compiler's rate is of 1503
        bf16_flops: 459_000_000_000_000,         // JAX and Cloud; Compiler 394
        matrix_units: 8,                         // Cloud, four a core
        matrix_columns: 128,                     // JAX
        tiles: FROM_V4.tiles,
        smallest_tile_bytes: FROM_V4.smallest_bytes,
        native_matmul: &["bf16", "int8", "int4", "f8e5m2"],
        retiles_in_loops: false,
        takes_single_rows_by_vector: false,
        stores_4_bit: true,
        takes_kernels: true,
    };

    pub const V6E: Chip = Chip {
        name: "v6e",
        device_kinds: &["TPU v6 lite", "TPU v6e"],
        devices_per_chip: 1,
        topology_options: &[],
        hbm_bytes: 33_546_042_880,
        hbm_bytes_per_second: 1_640_000_000_000, // JAX; Cloud and Compiler 1638
        clock_hz: 1_750_000_000,                 // 1751 MHz by the rate; no published figure was found
        bf16_flops: 918_000_000_000_000,         // Cloud and Compiler; JAX 920
        // Cloud says two, which would be a clock of 3.5 GHz. Compiler plans up to 224,000 multiply-adds a cycle, where two
        // units have 131,072 cells: what it calls a cycle does the work of four.
        matrix_units: 4,
        matrix_columns: 256, // JAX and Cloud
        tiles: FROM_V4.tiles,
        smallest_tile_bytes: FROM_V4.smallest_bytes,
        native_matmul: &["bf16", "int8", "int4", "f8e5m2"],
        retiles_in_loops: false,
        takes_single_rows_by_vector: false,
        stores_4_bit: true,
        takes_kernels: true,
    };

    pub const TPU7X: Chip = Chip {
        name: "tpu7x",
        device_kinds: &["TPU7x"],
        devices_per_chip: 2,
        topology_options: &[],
        hbm_bytes: 101_724_453_888,
        hbm_bytes_per_second: 3_700_000_000_000, // JAX, 7400 GB/s a chip; Cloud 7380; Compiler 3686 a device
        clock_hz: 2_200_000_000, // 2200 MHz by the rate; no published figure was found. Compiler's rate is of 1900
        bf16_flops: 1_153_500_000_000_000, // Cloud, 2307 TFLOP/s a chip; JAX 2310; Compiler 996 a device
        matrix_units: 4,         // not published; Compiler plans 211,000 multiply-adds a cycle, of 262,144
        matrix_columns: 256,     // JAX
        tiles: FROM_V4.tiles,
        smallest_tile_bytes: FROM_V4.smallest_bytes,
        native_matmul: &["bf16", "f8e4m3fn", "f8e5m2"],
        retiles_in_loops: true,
        takes_single_rows_by_vector: false,
        stores_4_bit: true,
        takes_kernels: true,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_units_and_rate_agree() {
        for chip in Chip::ALL {
            let cells = chip.matrix_units * chip.matrix_columns * chip.matrix_columns;
            let clock = chip.bf16_flops as f64 / (2 * cells) as f64;
            let off = clock / chip.clock_hz as f64 - 1.0;
            // Published rates are rounded to three digits.
            assert!(off.abs() < 0.005, "{}: {clock:.0} Hz by the rate, {} in the record", chip.name, chip.clock_hz);
        }
    }

    #[test]
    fn device_kinds_tell_generations_apart() {
        let mut kinds: Vec<&str> = Chip::ALL.iter().flat_map(|chip| chip.device_kinds).copied().collect();
        let count = kinds.len();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), count);
    }
}
