//! Pictures and the activations they must give: what a trunk, or a GPU, is held to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::backbone::{Architecture, Failure, Trunk};
use super::random::Random;
use super::tensors::{Array, Error, Storage, TensorFile};

/// Pictures and the activations they must give, made independently of this program.
#[derive(Debug)]
pub struct Fixture {
    /// Three planes each, 0 to 255.
    pictures: Vec<Vec<f32>>,
    side: usize,
    /// The last map after its ReLU, `[pictures, channels, rows, columns]`.
    expected: Array,
}

impl Fixture {
    /// Where a trunk's fixture lies: beside it, named after the network.
    pub fn path_beside(trunk: &Path, architecture: Architecture) -> PathBuf {
        trunk.with_file_name(format!("{}-fixture-64.safetensors", architecture.word()))
    }

    /// Reads `NAME.input_rgb_u8_hwc` and `NAME.features.N_relu` for each picture NAME.
    pub fn open(path: &Path, architecture: Architecture) -> Result<Self, Error> {
        const INPUT: &str = ".input_rgb_u8_hwc";
        let file = TensorFile::open(path)?;
        let (mut pictures, mut side, mut expected) = (Vec::new(), 0, Vec::new());
        let mut map_dims: Vec<usize> = Vec::new();
        for input_name in file.names()?.iter().filter(|name| name.ends_with(INPUT)) {
            let input = file.array(input_name)?;
            match input.dims[..] {
                [rows, columns, 3] if rows == columns && (side == 0 || side == rows) => side = rows,
                _ => return Err(file.wrong_shape(input_name, &input, "[64, 64, 3]".to_owned())),
            }
            pictures.push(
                (0..3).flat_map(|c| input.values.iter().skip(c).step_by(3)).copied().collect(),
            );
            let map_name = input_name.replace(INPUT, &format!(".{}", architecture.relu_name()));
            let map = file.array(&map_name)?;
            match map.dims[..] {
                [1, channels, _, _]
                    if channels == architecture.channels()
                        && (map_dims.is_empty() || map_dims == map.dims) => {}
                _ => {
                    let needed = format!("[1, {}, rows, columns]", architecture.channels());
                    return Err(file.wrong_shape(&map_name, &map, needed));
                }
            }
            map_dims = map.dims;
            expected.extend(map.values);
        }
        if pictures.is_empty() {
            let (name, path) = (format!("NAME{INPUT}"), path.to_owned());
            return Err(Error::MissingTensor { name, path });
        }
        map_dims[0] = pictures.len();
        Ok(Self { pictures, side, expected: Array::new(map_dims, expected) })
    }

    /// Runs the pictures through a trunk loaded for [`super::backbone::Input::Rgb`]; its answer for [`Self::error`].
    pub fn answer(&self, trunk: &Trunk) -> Result<Vec<f32>, Failure> {
        let divisor = trunk.architecture().range_divisor();
        let map = trunk.feature_map(&self.pictures, self.side)?;
        Ok(map.values.into_iter().map(|v| v.max(0.0) * divisor).collect())
    }

    /// How far an answer is off: the length of the difference over that of what was expected.
    pub fn error(&self, answer: &[f32]) -> f64 {
        if answer.len() != self.expected.values.len() {
            return f64::INFINITY;
        }
        let square = |v: f32| f64::from(v) * f64::from(v);
        let difference: f64 =
            answer.iter().zip(&self.expected.values).map(|(a, e)| square(a - e)).sum();
        let length: f64 = self.expected.values.iter().map(|&e| square(e)).sum();
        (difference / length).sqrt()
    }

    /// A fixture of a trunk as this program runs it on the CPU, for a network that came with none.
    pub fn of(trunk: &Trunk, seed: u64) -> BTreeMap<String, (Array, Storage)> {
        const SIDE: usize = 64;
        let mut random = Random::new(seed);
        let hwc: Vec<f32> = (0..SIDE * SIDE * 3).map(|_| random.below(256) as f32).collect();
        let planes = (0..3).flat_map(|c| hwc.iter().skip(c).step_by(3)).copied().collect();
        let mut map = trunk.feature_map(&[planes], SIDE).expect("flex runs everywhere");
        let divisor = trunk.architecture().range_divisor();
        map.values.iter_mut().for_each(|v| *v = v.max(0.0) * divisor);
        let name = trunk.architecture().relu_name();
        BTreeMap::from([
            ("random.input_rgb_u8_hwc".to_owned(), (Array::new([SIDE, SIDE, 3], hwc), Storage::U8)),
            (format!("random.{name}"), (map, Storage::F32)),
        ])
    }
}
