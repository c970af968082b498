//! The chart: CPU time per request, one bar for each contestant of each scenario.

use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::Row;
use crate::Outcome;

const WIDTH: u32 = 1000;
const BAR: u32 = 18;
const LEFT: i32 = 470;
const RIGHT: i32 = 80;

/// Draws the chart. The scale is logarithmic: an interpreted language takes forty times as much as HTTP alone.
pub fn draw(rows: &[Row], file: &Path) -> Outcome<()> {
    let height = 40 + rows.len() as u32 * (BAR + 6);
    let root = SVGBackend::new(file, (WIDTH, height)).into_drawing_area();
    root.fill(&WHITE)?;
    let max = rows.iter().map(|row| row.cpu_us).fold(1.0, f64::max);
    let scale = f64::from(WIDTH as i32 - LEFT - RIGHT) / max.ln_1p();
    let text = |anchor: HPos| ("sans-serif", 13).into_font().color(&BLACK).pos(Pos::new(anchor, VPos::Center));
    root.draw(&Text::new("CPU time per request in µs, logarithmic: less is better", (LEFT, 18), text(HPos::Left)))?;
    for (number, row) in rows.iter().enumerate() {
        let top = 36 + number as i32 * (BAR as i32 + 6);
        let middle = top + BAR as i32 / 2;
        let end = LEFT + (row.cpu_us.ln_1p() * scale) as i32;
        let colour = if row.contestant.starts_with("tokenvend") {
            RGBColor(32, 96, 192)
        } else if row.contestant.starts_with("bare") {
            RGBColor(120, 120, 120)
        } else {
            RGBColor(208, 144, 48)
        };
        let label = format!("{} · {}", row.scenario, row.contestant);
        root.draw(&Text::new(label, (LEFT - 8, middle), text(HPos::Right)))?;
        root.draw(&Rectangle::new([(LEFT, top), (end, top + BAR as i32)], colour.filled()))?;
        root.draw(&Text::new(format!("{:.1}", row.cpu_us), (end + 6, middle), text(HPos::Left)))?;
    }
    root.present()?;
    Ok(())
}
