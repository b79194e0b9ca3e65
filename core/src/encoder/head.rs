//! From the last feature map to a texture vector: local PCA, NetVLAD, the mean over views, PCA.
//!
//! Some 20 million multiplications a patch, so it always runs on the CPU: what a GPU's driver does
//! to a matrix product never reaches a descriptor.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor};

use super::backbone::tensor;
use super::netvlad::{NetVlad, normalize};
use super::network::Network;
use super::pca_whitening::PcaWhitening;
use super::tensors::{Array, Error, Storage, TensorFile};

/// Feature map to VLAD vector.
#[derive(Debug, Clone)]
pub struct Pooling {
    local_pca: Option<PcaWhitening>,
    netvlad: NetVlad,
    region_weighted: bool,
}

/// All that a bundle learnt, as plain numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Learnt {
    /// Mean `[channels]` and components `[dims, channels]` of the local descriptors.
    pub local_pca: Option<(Array, Array)>,
    /// `w` and `c` of NetVLAD, `[clusters, dims]`, and `b`, `[clusters]`.
    pub assignment: Array,
    pub bias: Array,
    pub centroids: Array,
    pub region_weighted: bool,
    /// Mean `[clusters * dims]` and components `[dims, clusters * dims]` of the VLAD vectors.
    pub pca: Option<(Array, Array)>,
    /// The trunk's last block where it was trained too, by the names of
    /// [`Network::last_block`]; empty where the trunk is as its authors left it.
    pub last_block: BTreeMap<String, Array>,
}

/// Feature maps of all views of a patch to one vector of length 1.
#[derive(Debug, Clone)]
pub struct Head {
    pooling: Pooling,
    pca: Option<PcaWhitening>,
}

impl Head {
    pub fn new(learnt: &Learnt) -> Self {
        let device = Device::flex();
        let pca =
            |(mean, components): &(Array, Array)| PcaWhitening::new(mean, components, &device);
        let pooling = Pooling {
            local_pca: learnt.local_pca.as_ref().map(pca),
            netvlad: NetVlad::new(&learnt.assignment, &learnt.bias, &learnt.centroids, &device),
            region_weighted: learnt.region_weighted,
        };
        Self { pooling, pca: learnt.pca.as_ref().map(pca) }
    }

    /// Maps `[views, channels, rows, columns]` of one patch, with each view's weights.
    pub fn describe(&self, maps: &Array, weights: &[Vec<f32>]) -> Vec<f32> {
        let vlad = self.pooling.vlad(maps, weights);
        let mean = normalize(vlad.mean_dim(0), 1);
        let described = match &self.pca {
            Some(pca) => normalize(pca.forward(mean), 1),
            None => mean,
        };
        described.into_data().try_into_vec().expect("flex holds f32")
    }
}

impl Pooling {
    /// The VLAD of each map: `[maps, clusters * dims]`, each of length 1.
    fn vlad(&self, maps: &Array, weights: &[Vec<f32>]) -> Tensor<2> {
        let local = local_descriptors(maps);
        let [batch, positions, channels] = local.dims();
        let local = match &self.local_pca {
            Some(pca) => {
                let flat = pca.forward(local.reshape([batch * positions, channels]));
                let dims = flat.dims()[1];
                normalize(flat, 1).reshape([batch, positions, dims])
            }
            None => local,
        };
        let weights =
            if self.region_weighted { weights.concat() } else { vec![1.0; batch * positions] };
        let weights = tensor(&Array::new([batch, positions], weights), &local.device());
        self.netvlad.forward(local, weights)
    }
}

/// `[batch, channels, rows, columns]` to `[batch, positions, channels]`, each of length 1.
pub(super) fn local_descriptors(maps: &Array) -> Tensor<3> {
    let [batch, channels, rows, columns] = maps.dims[..] else {
        unreachable!("a trunk gives maps of four axes")
    };
    let map: Tensor<4> = tensor(maps, &Device::flex());
    normalize(map.reshape([batch, channels, rows * columns]).swap_dims(1, 2), 2)
}

impl Learnt {
    /// Length of the vector that comes out.
    pub fn dims(&self) -> usize {
        match &self.pca {
            Some((_, components)) => components.dims[0],
            None => self.centroids.values.len(),
        }
    }

    /// As `weights.safetensors` holds it. The large PCA is kept in half precision: its entries
    /// are small and many, and the known answer is computed with what was stored.
    pub fn to_arrays(&self) -> BTreeMap<String, (Array, Storage)> {
        let mut arrays = BTreeMap::new();
        let mut put = |name: &str, array: &Array, storage| {
            arrays.insert(name.to_owned(), (array.clone(), storage));
        };
        if let Some((mean, components)) = &self.local_pca {
            put("local_pca.mean", mean, Storage::F32);
            put("local_pca.components", components, Storage::F32);
        }
        put("netvlad.assignment", &self.assignment, Storage::F32);
        put("netvlad.bias", &self.bias, Storage::F32);
        put("netvlad.centroids", &self.centroids, Storage::F32);
        if let Some((mean, components)) = &self.pca {
            put("pca.mean", mean, Storage::F32);
            put("pca.components", components, Storage::F16);
        }
        for (name, array) in &self.last_block {
            put(name, array, Storage::F16);
        }
        arrays
    }

    /// Reads it back, every shape held to the others and to the trunk's.
    pub fn from_file(
        file: &TensorFile,
        trunk: Network,
        region_weighted: bool,
    ) -> Result<Self, Error> {
        let names = file.names()?;
        let has = |name: &str| names.iter().any(|n| n == name);
        let pca = |prefix: &str, inputs: usize| -> Result<Option<(Array, Array)>, Error> {
            let name = format!("{prefix}.components");
            if !has(&name) {
                return Ok(None);
            }
            let components = file.array(&name)?;
            if components.dims.len() != 2 || components.dims[1] != inputs || components.dims[0] == 0
            {
                return Err(file.wrong_shape(&name, &components, format!("[dims, {inputs}]")));
            }
            Ok(Some((file.array_of(&format!("{prefix}.mean"), &[inputs])?, components)))
        };
        let channels = trunk.channels();
        let local_pca = pca("local_pca", channels)?;
        let dims = local_pca.as_ref().map_or(channels, |(_, components)| components.dims[0]);
        let centroids = file.array("netvlad.centroids")?;
        if centroids.dims.len() != 2 || centroids.dims[1] != dims || centroids.dims[0] == 0 {
            let needed = format!("[clusters, {dims}]");
            return Err(file.wrong_shape("netvlad.centroids", &centroids, needed));
        }
        let assignment = file.array_of("netvlad.assignment", &centroids.dims)?;
        let bias = file.array_of("netvlad.bias", &centroids.dims[..1])?;
        let pca = pca("pca", centroids.values.len())?;
        let mut last_block = BTreeMap::new();
        if names.iter().any(|name| name.starts_with("features.")) {
            for (name, dims) in trunk.last_block() {
                let array = file.array_of(&name, &dims)?;
                last_block.insert(name, array);
            }
        }
        Ok(Self { local_pca, assignment, bias, centroids, region_weighted, pca, last_block })
    }
}
