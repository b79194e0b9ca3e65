//! What the settings of an encoder do: bundles beside each other, and their vectors shortened.

use std::collections::BTreeMap;

use super::answers::Scope;
use super::chance::Resamples;
use super::distances::Distances;
use super::experiment::{Asked, COMPARED, Plan, shown};
use super::methods::{self, Method};
use super::report::Effect;

/// What the bundles were made with, and what shorter vectors give.
pub(super) fn effects(
    asked: &Asked,
    plan: &Plan<'_>,
    methods: &[Method],
    resamples: &Resamples,
) -> Vec<Effect> {
    let figures = |distances: &Distances| {
        let scored = asked.score(distances, Scope::All, plan.seed);
        let kept = scored.figures.iter().filter(|f| COMPARED.contains(&f.key.as_str()));
        kept.map(|f| shown(f, resamples.of(f, &asked.examples).map(|r| r.value()))).collect()
    };
    let mut effects = Vec::new();
    for describer in &plan.describers {
        let Some(config) = describer.config() else { continue };
        let name = &describer.names()[0];
        let Some(method) = methods.iter().find(|m| m.name == *name) else { continue };
        let settings = settings(config);
        effects.push(Effect {
            name: name.clone(),
            settings: settings.clone(),
            figures: figures(&method.distances),
        });
        // NetVLAD's texture comes first of a descriptor's parts.
        let of_pca = config.get("pca").and_then(|pca| pca.get("dims")?.as_integer());
        let Some(of_pca) = of_pca.and_then(|dims| usize::try_from(dims).ok()) else { continue };
        for (dims, distances) in methods::shortened(method, of_pca) {
            let mut settings = settings.clone();
            settings.insert("dims".to_owned(), format!("first {dims}"));
            let figures = figures(&distances);
            effects.push(Effect { name: name.clone(), settings, figures });
        }
    }
    effects
}

/// What the tables of effects show of a bundle's settings, those of its training too.
fn settings(config: &toml::Table) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    let mut put = |name: &str, value: Option<&toml::Value>| {
        let text = match value {
            Some(toml::Value::Float(v)) => format!("{:.4}", v).trim_end_matches('0').to_owned(),
            Some(toml::Value::Array(v)) => v.len().to_string(),
            Some(toml::Value::String(v)) => v.clone(),
            Some(value) => value.to_string(),
            None => return,
        };
        settings.insert(name.to_owned(), text);
    };
    let of = |table: &str, key: &str| config.get(table).and_then(|t| t.get(key));
    put("network", of("trunk", "architecture"));
    put("K", of("netvlad", "clusters"));
    put("dims", of("pca", "dims"));
    put("whitened", of("pca", "whitened"));
    put("by region", of("netvlad", "region_weighted"));
    put("views", config.get("views"));
    for name in ["loss", "distance", "triplet_margin", "refresh_every", "epochs"] {
        put(name, of("training_run", name));
    }
    settings
}
