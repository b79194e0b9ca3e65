//! The measures one by one, and where a value lies among the masses of a library.

use super::Measures;

/// One number of [`Measures`], in the order in which a person reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    LongestDiameter,
    PerpendicularDiameter,
    Area,
    Circularity,
    Contrast,
    MarginWidth,
    WellDefinedShare,
    Spiculation,
}

impl Measure {
    pub const ALL: [Self; 8] = [
        Self::LongestDiameter,
        Self::PerpendicularDiameter,
        Self::Area,
        Self::Circularity,
        Self::Contrast,
        Self::MarginWidth,
        Self::WellDefinedShare,
        Self::Spiculation,
    ];

    /// Its field in [`Measures`], and so its name in every JSON.
    pub const fn field(self) -> &'static str {
        match self {
            Self::LongestDiameter => "longest_diameter",
            Self::PerpendicularDiameter => "perpendicular_diameter",
            Self::Area => "area",
            Self::Circularity => "circularity",
            Self::Contrast => "contrast",
            Self::MarginWidth => "margin_width",
            Self::WellDefinedShare => "well_defined_share",
            Self::Spiculation => "spiculation",
        }
    }

    /// Its name for a person.
    pub const fn words(self) -> &'static str {
        match self {
            Self::LongestDiameter => "Longest diameter",
            Self::PerpendicularDiameter => "Perpendicular",
            Self::Area => "Area",
            Self::Circularity => "Circularity",
            Self::Contrast => "Contrast",
            Self::MarginWidth => "Margin width",
            Self::WellDefinedShare => "Well defined",
            Self::Spiculation => "Spiculation",
        }
    }

    /// The same where there is little room.
    pub const fn brief(self) -> &'static str {
        match self {
            Self::LongestDiameter => "Longest",
            Self::PerpendicularDiameter => "Across",
            Self::MarginWidth => "Margin",
            Self::WellDefinedShare => "Defined",
            _ => self.words(),
        }
    }

    /// How it is defined, in one sentence.
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::LongestDiameter => "the longest line between two points of the outline",
            Self::PerpendicularDiameter => "the widest extent across the longest diameter",
            Self::Area => "the area inside the outline",
            Self::Circularity => "4 pi area over the square of the perimeter: 1 is a circle",
            Self::Contrast => {
                "mean inside less mean of the ring 0.5 to 3 mm outside, in deviations of the ring"
            }
            Self::MarginWidth => "median width in which the grey falls from 90 to 10 %",
            Self::WellDefinedShare => "share of the outline whose margin is narrower than 1 mm",
            Self::Spiculation => {
                "mean angle between gradient and outline just outside: large where lines run out, \
                 45 degrees for noise alone"
            }
        }
    }

    pub fn of(self, measures: &Measures) -> Option<f64> {
        match self {
            Self::LongestDiameter => Some(measures.longest_diameter),
            Self::PerpendicularDiameter => Some(measures.perpendicular_diameter),
            Self::Area => Some(measures.area),
            Self::Circularity => Some(measures.circularity),
            Self::Contrast => Some(measures.contrast),
            Self::MarginWidth => measures.margin_width,
            Self::WellDefinedShare => measures.well_defined_share,
            Self::Spiculation => measures.spiculation,
        }
    }

    /// Its value with the unit, as a person reads it: "12.4 mm"; `None` where there is none.
    pub fn text(self, measures: &Measures) -> Option<String> {
        let value = self.of(measures)?;
        // "mm, film scanner": the name of the unit alone.
        let unit = measures.unit.split([',', ' ']).next().unwrap_or_default();
        Some(match self {
            Self::LongestDiameter | Self::PerpendicularDiameter | Self::MarginWidth => {
                format!("{value:.1} {unit}")
            }
            Self::Area => format!("{value:.0} {unit}²"),
            Self::Circularity => format!("{value:.2}"),
            Self::Contrast => format!("{value:.1}"),
            Self::WellDefinedShare => format!("{:.0} %", 100.0 * value),
            Self::Spiculation => format!("{value:.0}°"),
        })
    }

    /// Whether it moves by more than 15 % where the outline is drawn 0.5 mm farther out or in.
    pub fn is_unstable(self, measures: &Measures) -> bool {
        measures.unstable.iter().any(|field| field == self.field())
    }

    const fn is_length(self) -> bool {
        matches!(
            self,
            Self::LongestDiameter | Self::PerpendicularDiameter | Self::Area | Self::MarginWidth
        )
    }
}

/// How the measures of known masses are spread.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Atlas {
    /// By the order of [`Measure::ALL`], each sorted.
    values: [Vec<f64>; Measure::ALL.len()],
}

impl Atlas {
    /// Of these masses. Lengths in pixels say nothing about other masses and are left out.
    pub fn of<'a>(masses: impl IntoIterator<Item = &'a Measures>) -> Self {
        let mut atlas = Self::default();
        for measures in masses {
            for (measure, values) in Measure::ALL.into_iter().zip(&mut atlas.values) {
                values.extend(measure.of(measures).filter(|_| is_comparable(measure, measures)));
            }
        }
        atlas.values.iter_mut().for_each(|values| values.sort_by(f64::total_cmp));
        atlas
    }

    /// Of 100 known masses, how many have a smaller value; of equal ones half are counted. `None`
    /// where the value is in pixels or there is nothing to compare it with.
    pub fn percentile(&self, measure: Measure, measures: &Measures) -> Option<f64> {
        let value = measure.of(measures).filter(|_| is_comparable(measure, measures))?;
        let values = &self.values[measure as usize];
        let below = values.partition_point(|known| *known < value);
        let up_to = values.partition_point(|known| *known <= value);
        (!values.is_empty()).then(|| 50.0 * (below + up_to) as f64 / values.len() as f64)
    }

    /// How many masses a value of this measure is compared with.
    pub fn masses(&self, measure: Measure) -> usize {
        self.values[measure as usize].len()
    }
}

fn is_comparable(measure: Measure, measures: &Measures) -> bool {
    !measure.is_length() || measures.unit.starts_with("mm")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measures(unit: &str, longest_diameter: f64, circularity: f64) -> Measures {
        Measures {
            unit: unit.to_owned(),
            area: 80.0,
            equivalent_diameter: 10.0,
            longest_diameter,
            perpendicular_diameter: 8.0,
            circularity,
            contrast: 1.25,
            margin_width: None,
            well_defined_share: Some(0.5),
            spiculation: Some(30.4),
            unstable: vec!["contrast".to_owned()],
        }
    }

    #[test]
    fn a_value_stands_above_the_smaller_and_half_of_the_equal_ones() {
        let known: Vec<Measures> =
            [5.0, 7.0, 7.0, 9.0].map(|d| measures("mm, film scanner", d, 0.5)).to_vec();
        let atlas = Atlas::of(&known);
        let at = |d| atlas.percentile(Measure::LongestDiameter, &measures("mm", d, 0.5));
        assert_eq!(at(4.0), Some(0.0));
        assert_eq!(at(7.0), Some(50.0));
        assert_eq!(at(8.0), Some(75.0));
        assert_eq!(at(20.0), Some(100.0));
        assert_eq!(atlas.masses(Measure::LongestDiameter), 4);
        assert_eq!(atlas.percentile(Measure::MarginWidth, &known[0]), None);
    }

    #[test]
    fn pixels_are_compared_with_nothing_and_ratios_with_everything() {
        let known = [measures("px", 300.0, 0.4), measures("mm", 9.0, 0.8)];
        let atlas = Atlas::of(&known);
        assert_eq!(atlas.masses(Measure::LongestDiameter), 1);
        assert_eq!(atlas.percentile(Measure::Area, &known[0]), None);
        assert_eq!(atlas.percentile(Measure::Circularity, &known[0]), Some(25.0));
        assert_eq!(Atlas::default().percentile(Measure::Circularity, &known[0]), None);
    }

    #[test]
    fn every_measure_is_a_field_and_reads_with_its_unit() {
        let measures = measures("mm (ERMF 1.07)", 12.44, 0.61);
        let json = serde_json::to_value(&measures).expect("plain values");
        for measure in Measure::ALL {
            assert!(json.get(measure.field()).is_some(), "{measure:?}");
        }
        assert_eq!(Measure::LongestDiameter.text(&measures).as_deref(), Some("12.4 mm"));
        assert_eq!(Measure::Area.text(&measures).as_deref(), Some("80 mm²"));
        assert_eq!(Measure::WellDefinedShare.text(&measures).as_deref(), Some("50 %"));
        assert_eq!(Measure::Spiculation.text(&measures).as_deref(), Some("30°"));
        assert_eq!(Measure::MarginWidth.text(&measures), None);
        assert!(Measure::Contrast.is_unstable(&measures));
        assert!(!Measure::Area.is_unstable(&measures));
    }
}
